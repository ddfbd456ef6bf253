//! Organizations (D-03): rename, archive, restore, and what happens to a member's tasks, keys and service accounts on
//! departure.
use crate::world::{World, decision, hash, lease, needs_approval, new_key, on_both, person, sealed};
use domain::{
    Actor, Denied, OrganizationId, PersonId,
    account::AccountNotice,
    approval::Answer,
    policy::{
        ArchiveOrganization, CreateKey, CreateServiceAccount, LeaveOrganization, LockPerson, RemoveMembership,
        RenameOrganization, RestoreOrganization, SetAcceptsJoinRequests, SetMembership, StopTasks, Stopped,
        SyncProviderRoles, TransferServiceAccount, UnlockPerson,
    },
    receipt::End,
    role::{Role, TenantRole},
    task::TaskState,
};
use futures::join;
use serde_json::Value;
use std::time::Duration;
use store::{Conflict, Error, Result};

fn id(actor: &Actor) -> PersonId {
    actor.person().unwrap()
}

async fn rename(world: &World, by: &Actor, organization: OrganizationId, name: &str) -> Result<()> {
    let rename = RenameOrganization { organization, name: name.into() };
    world.change(by, async |write| write.rename_organization(by.may(rename)?).await).await
}

async fn archive(world: &World, by: &Actor, organization: OrganizationId) -> Result<()> {
    world
        .change(by, async |write| write.archive_organization(by.may(ArchiveOrganization { organization })?).await)
        .await
}

async fn restore(world: &World, by: &Actor, organization: OrganizationId) -> Result<()> {
    world
        .change(by, async |write| write.restore_organization(by.may(RestoreOrganization { organization })?).await)
        .await
}

async fn set(world: &World, by: &Actor, organization: OrganizationId, who: PersonId, role: Role) -> Result<()> {
    let set = SetMembership { organization, person: who, role };
    world.change(by, async |write| write.set_membership(by.may(set)?).await).await.map(drop)
}

async fn leave(world: &World, who: &Actor, organization: OrganizationId, successor: Option<PersonId>) -> Result<()> {
    let leave = LeaveOrganization { organization, person: id(who), successor };
    world.change(who, async |write| write.leave_organization(who.may(leave)?).await).await
}

async fn remove(
    world: &World,
    by: &Actor,
    organization: OrganizationId,
    who: &Actor,
    to: Option<PersonId>,
) -> Result<()> {
    let remove = RemoveMembership { organization, person: id(who), successor: to };
    world.change(by, async |write| write.remove_membership(by.may(remove)?).await).await
}

async fn submit(world: &World, by: &Actor, organization: OrganizationId) -> Result<store::Submitted> {
    world.change(by, async |write| write.submit_task(by.may(sealed(organization))?).await).await
}

async fn lock(world: &World, by: &Actor, who: &Actor) -> Result<()> {
    world.change(by, async |write| write.lock_person(by.may(LockPerson { person: id(who) })?).await).await
}

async fn owners(world: &World, organization: OrganizationId) -> usize {
    let members = world.store.read(&world.acme.console).await.unwrap().members(organization).await.unwrap();
    members.iter().filter(|member| member.role == Role::Owner).count()
}

/// Returns the detail of the newest event of an action.
async fn newest(world: &World, action: &str) -> Value {
    let adam = &world.acme.adam;
    let filter = store::AuditFilter { action: Some(action.into()), ..Default::default() };
    let mut read = world.store.read(adam).await.unwrap();
    let page = read.audit(&adam.may(domain::policy::ReadAudit).unwrap(), filter, None, 1).await.unwrap();
    serde_json::from_str::<Value>(&page.items[0].body).unwrap()["detail"].clone()
}

/// Creates a service account with a responsible person and these roles.
async fn robot(world: &World, responsible: &Actor, roles: &[(OrganizationId, Role)]) -> PersonId {
    let adam = &world.acme.adam;
    let made = world.change(adam, async |write| {
        let robot = CreateServiceAccount { name: "Robot".into(), responsible: id(responsible) };
        let robot = write.create_service_account(adam.may(robot)?).await?;
        for (organization, role) in roles {
            let join = SetMembership { organization: *organization, person: robot, role: *role };
            write.set_membership(adam.may(join)?).await?;
        }
        Ok(robot)
    });
    made.await.unwrap()
}

on_both! {
    async fn d_03_only_managers_rename_an_organization(world) {
        let acme = &world.acme;
        rename(world, &acme.olga, acme.ops, "acme operations").await.unwrap();
        let mut read = world.store.read(&acme.mia).await.unwrap();
        assert_eq!(read.organization(acme.ops).await.unwrap().name, "acme operations");
        drop(read);
        assert_eq!(newest(world, "organization.rename").await["was"], "acme ops");
        assert!(matches!(rename(world, &acme.olga, acme.ops, "acme lab").await, Err(Error::Conflict(_))), "it is taken");
        rename(world, &world.bolt.olga, world.bolt.ops, "acme lab").await.unwrap();
        assert!(matches!(rename(world, &acme.ada, acme.ops, "mine").await, Err(Error::Denied(Denied { stale: false, .. }))));
        assert!(matches!(rename(world, &acme.adam, world.bolt.ops, "theirs").await, Err(Error::NotFound)));
        assert!(matches!(rename(world, &acme.olga, acme.ops, " ").await, Err(Error::Invalid(_))));
    }

    /// Group rules that use the old name must not become void at once.
    async fn d_03_a_renamed_organization_is_found_by_its_old_name_until_another_takes_it(world) {
        let acme = &world.acme;
        let named = async |name: &str| world.store.read(&acme.adam).await.unwrap().organization_by_name(name).await.map(|found| found.id);
        rename(world, &acme.olga, acme.ops, "first").await.unwrap();
        rename(world, &acme.olga, acme.ops, "second").await.unwrap();
        for name in ["acme ops", "first", "second"] {
            assert_eq!(named(name).await.unwrap(), acme.ops, "{name}");
        }
        rename(world, &acme.adam, acme.lab, "first").await.unwrap();
        assert_eq!(named("first").await.unwrap(), acme.lab, "the one that is called so now");
        rename(world, &acme.adam, acme.lab, "third").await.unwrap();
        assert_eq!(named("first").await.unwrap(), acme.lab, "the last that was");
        assert!(matches!(named("bolt ops").await, Err(Error::NotFound)), "of another tenant");
    }

    /// An owner must not take over another organization's group rules by taking a name that they still use.
    async fn d_03_only_an_admin_reuses_the_former_name_of_another_organization(world) {
        let acme = &world.acme;
        let named = async |name: &str| world.store.read(&acme.adam).await.unwrap().organization_by_name(name).await.map(|found| found.id);
        rename(world, &acme.adam, acme.ops, "operations").await.unwrap();
        let records = world.records(acme).await;
        assert!(matches!(rename(world, &acme.olga, acme.lab, "acme ops").await, Err(Error::Conflict(Conflict::OrganizationNameFormer))));
        assert_eq!((named("acme ops").await.unwrap(), named("acme lab").await.unwrap()), (acme.ops, acme.lab), "nothing changed");
        assert_eq!(world.records(acme).await, records);
        rename(world, &world.bolt.olga, world.bolt.lab, "operations").await.unwrap(); // other tenants do not matter
        rename(world, &acme.olga, acme.ops, "acme ops").await.unwrap(); // its own former name
        rename(world, &acme.olga, acme.ops, "second").await.unwrap();
        rename(world, &acme.console, acme.lab, "acme ops").await.unwrap();
        assert_eq!(named("acme ops").await.unwrap(), acme.lab);
        rename(world, &acme.adam, acme.lab, "acme lab").await.unwrap();
        // Nor at the moment when the name is given up.
        for round in 0..10 {
            let (held, next) = (format!("name {round}"), format!("name {}", round + 1));
            rename(world, &acme.adam, acme.ops, &held).await.unwrap();
            let (left, taken) = join!(rename(world, &acme.olga, acme.ops, &next), rename(world, &acme.olga, acme.lab, &held));
            left.unwrap();
            assert!(matches!(taken, Err(Error::Conflict(_))), "round {round}: {taken:?}");
        }
    }

    async fn d_03_an_archived_organization_is_read_only(world) {
        let acme = &world.acme;
        let done = submit(world, &acme.mia, acme.ops).await.unwrap().id;
        let running = world.claim(&acme.rex).await.unwrap();
        world.start(&acme.rex, lease(&running)).await;
        let waiting = world.submit(&acme.mia, needs_approval(acme.ops)).await;
        let approval = world.approval_request(&waiting).await;
        assert!(matches!(archive(world, &acme.olga, acme.ops).await, Err(Error::OpenTasks(2))), "one runs and one waits");
        assert_eq!(world.store.read(&acme.olga).await.unwrap().open_task_count(acme.ops).await.unwrap(), 2);
        world.finish(&acme.rex, &running, End::Exited(0)).await.unwrap();
        let stop = acme.olga.may(StopTasks { whose: Stopped::Of(acme.ops) }).unwrap();
        world.change(&acme.olga, async |write| write.stop_tasks(stop).await).await.unwrap();
        assert!(matches!(archive(world, &acme.ada, acme.ops).await, Err(Error::Denied(_))));
        archive(world, &acme.olga, acme.ops).await.unwrap();
        assert!(matches!(archive(world, &acme.olga, acme.ops).await, Err(Error::Conflict(_))), "once");

        let mut read = world.store.read(&acme.mia).await.unwrap();
        assert!(read.organizations().await.unwrap().is_empty(), "it is in no choice");
        assert_eq!(read.archived_organizations().await.unwrap()[0].id, acme.ops);
        assert_eq!(read.organization(acme.ops).await.unwrap().archived_at, Some(world.now()));
        assert_eq!(read.task(done).await.unwrap().state, TaskState::Succeeded);
        assert_eq!(read.members(acme.ops).await.unwrap().len(), 5);
        drop(read);
        for refused in [
            submit(world, &acme.mia, acme.ops).await.map(drop),
            world.change(&acme.ada, async |write| write.decide(acme.ada.may(decision(&approval, Answer::Approve))?).await).await.map(drop),
            set(world, &acme.olga, acme.ops, id(&acme.sam), Role::Viewer).await,
            rename(world, &acme.olga, acme.ops, "other").await,
            world.change(&acme.olga, async |w| w.set_accepts_join_requests(acme.olga.may(SetAcceptsJoinRequests { organization: acme.ops, open: true })?).await).await,
        ] {
            assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        }
        let limited = CreateKey { organization: Some(acme.ops), ..new_key(&acme.mia, "k", "tasks:*") };
        let made = world.change(&acme.mia, async |w| w.create_key(acme.mia.may(limited)?, "mk_1", hash("k")).await).await;
        assert!(matches!(made, Err(Error::Invalid(_))), "{made:?}");
        let wide = world.change(&acme.mia, async |w| w.create_key(acme.mia.may(new_key(&acme.mia, "k", "tasks:submit"))?, "mk_1", hash("k")).await).await;
        assert!(matches!(wide, Err(Error::Invalid(_))), "she is a member of nothing else: {wide:?}");
        let nia = Actor::provider(acme.tenant, "ID", world.now());
        let follow = SyncProviderRoles { person: id(&acme.sam), provider: "id".into(), tenant_role: TenantRole::Person, roles: Some(vec![(acme.ops, Role::Member)]) };
        assert!(!world.change(&nia, async |write| write.sync_roles_from_provider(nia.may(follow)?).await).await.unwrap());
        remove(world, &acme.olga, acme.ops, &acme.vera, None).await.unwrap(); // rights can still be revoked

        assert!(matches!(restore(world, &acme.mia, acme.ops).await, Err(Error::Denied(_))));
        restore(world, &acme.olga, acme.ops).await.unwrap();
        assert!(matches!(restore(world, &acme.olga, acme.ops).await, Err(Error::Conflict(_))));
        submit(world, &acme.mia, acme.ops).await.unwrap();
        assert_eq!(world.store.read(&acme.mia).await.unwrap().organizations().await.unwrap().len(), 1);
    }

    /// Of archiving and a submission at the same time, the second is rejected, so that no task is left behind.
    async fn d_03_no_task_is_submitted_during_archiving(world) {
        let acme = &world.acme;
        for round in 0..20 {
            let (archived, submitted) = join!(archive(world, &acme.olga, acme.ops), submit(world, &acme.mia, acme.ops));
            assert!(archived.is_ok() != submitted.is_ok(), "round {round}: {archived:?} {submitted:?}");
            if archived.is_ok() {
                restore(world, &acme.olga, acme.ops).await.unwrap();
            }
            let stop = acme.olga.may(StopTasks { whose: Stopped::Of(acme.ops) }).unwrap();
            world.change(&acme.olga, async |write| write.stop_tasks(stop).await).await.unwrap();
        }
    }

    async fn d_03_members_can_leave_except_the_last_owner(world) {
        let acme = &world.acme;
        leave(world, &acme.vera, acme.ops, None).await.unwrap();
        assert!(matches!(leave(world, &acme.vera, acme.ops, None).await, Err(Error::NotFound)));
        assert!(matches!(leave(world, &acme.olga, acme.ops, None).await, Err(Error::Conflict(_))));
        let for_mia = LeaveOrganization { organization: acme.ops, person: id(&acme.mia), successor: None };
        assert!(acme.adam.may(for_mia).is_err(), "nobody leaves for somebody else");
        set(world, &acme.olga, acme.ops, id(&acme.ada), Role::Owner).await.unwrap();
        leave(world, &acme.olga, acme.ops, None).await.unwrap();
        assert_eq!(owners(world, acme.ops).await, 1);
        assert_eq!(world.again(&acme.olga).await.role_in(acme.ops), None);
    }

    async fn d_03_of_two_owners_who_leave_concurrently_one_remains(world) {
        let acme = &world.acme;
        for round in 0..20 {
            set(world, &acme.adam, acme.ops, id(&acme.ada), Role::Owner).await.unwrap();
            set(world, &acme.adam, acme.ops, id(&acme.olga), Role::Owner).await.unwrap();
            let both = join!(leave(world, &acme.ada, acme.ops, None), leave(world, &acme.olga, acme.ops, None));
            assert_eq!(owners(world, acme.ops).await, 1, "round {round}: {both:?}");
            assert!(both.0.is_ok() != both.1.is_ok(), "round {round}: {both:?}");
        }
    }

    /// A locked owner cannot manage anything, so another one must remain.
    async fn d_03_an_owner_who_is_locked_out_does_not_count(world) {
        let acme = &world.acme;
        set(world, &acme.adam, acme.ops, id(&acme.ada), Role::Owner).await.unwrap();
        lock(world, &acme.adam, &acme.ada).await.unwrap();
        assert!(matches!(leave(world, &acme.olga, acme.ops, None).await, Err(Error::Conflict(_))));
        assert!(matches!(set(world, &acme.adam, acme.ops, id(&acme.olga), Role::Member).await, Err(Error::Conflict(_))));
        let robot = robot(world, &acme.mia, &[(acme.ops, Role::Owner)]).await;
        assert!(matches!(leave(world, &acme.olga, acme.ops, None).await, Err(Error::Conflict(_))), "nor does a program");
        remove(world, &acme.adam, acme.ops, &acme.ada, None).await.unwrap();
        let unlock = acme.adam.may(UnlockPerson { person: id(&acme.ada) }).unwrap();
        world.change(&acme.adam, async |write| write.unlock_person(unlock).await).await.unwrap();
        // In an emergency the lock has priority; an admin appoints another owner afterwards.
        lock(world, &acme.adam, &acme.olga).await.unwrap();
        assert!(matches!(remove(world, &acme.adam, acme.ops, &acme.olga, None).await, Err(Error::Conflict(_))));
        set(world, &acme.adam, acme.ops, id(&acme.ada), Role::Owner).await.unwrap();
        remove(world, &acme.adam, acme.ops, &acme.olga, None).await.unwrap();
        let _ = robot;
    }

    async fn k_09_of_two_admins_who_lock_each_other_concurrently_one_remains(world) {
        let acme = &world.acme;
        let unlock = async |who: &Actor| {
            let unlock = acme.console.may(UnlockPerson { person: id(who) }).unwrap();
            let _ = world.change(&acme.console, async |write| write.unlock_person(unlock).await).await;
        };
        let promote = domain::policy::SetTenantRole { person: id(&acme.ada), tenant_role: TenantRole::Admin };
        let promote = acme.console.may(promote).unwrap();
        world.change(&acme.console, async |write| write.set_tenant_role(promote).await).await.unwrap();
        let ada = world.again(&acme.ada).await;
        for round in 0..20 {
            let both = join!(lock(world, &ada, &acme.adam), lock(world, &acme.adam, &ada));
            assert!(both.0.is_ok() != both.1.is_ok(), "round {round}: {both:?}");
            unlock(&ada).await;
            unlock(&acme.adam).await;
        }
        lock(world, &acme.console, &ada).await.unwrap();
        lock(world, &acme.console, &acme.adam).await.unwrap(); // the console unlocks them
    }

    async fn d_03_a_departure_cancels_revokes_and_transfers(world) {
        let acme = &world.acme;
        let mia = &acme.mia;
        let runs = submit(world, mia, acme.ops).await.unwrap().id;
        let running = world.claim(&acme.rex).await.unwrap();
        world.start(&acme.rex, lease(&running)).await;
        let (queued, waiting) = (submit(world, mia, acme.ops).await.unwrap().id, world.submit(mia, needs_approval(acme.ops)).await);
        let approval = world.approval_request(&waiting).await;
        let others = submit(world, &acme.olga, acme.ops).await.unwrap().id;
        let here = CreateKey { organization: Some(acme.ops), ..new_key(mia, "here", "tasks:*") };
        world.change(mia, async |w| w.create_key(mia.may(here)?, "mk_1", hash("here")).await).await.unwrap();
        world.change(mia, async |w| w.create_key(mia.may(new_key(mia, "wide", "tasks:*"))?, "mk_2", hash("wide")).await).await.unwrap();
        let robot = robot(world, mia, &[(acme.ops, Role::Member)]).await;

        let departure = world.store.read(&acme.olga).await.unwrap().departure(acme.ops, id(mia)).await.unwrap();
        assert_eq!((departure.waiting, departure.running, departure.keys), (2, 1, 1));
        assert_eq!(departure.accounts[0].id, robot);
        let able: Vec<_> = departure.successors.iter().map(|member| member.person_id).collect();
        assert_eq!(able.len(), 3, "ada, abe, olga; vera is a viewer: {able:?}");
        assert!(!able.contains(&id(mia)) && !able.contains(&id(&acme.vera)));

        assert!(matches!(remove(world, &acme.olga, acme.ops, mia, None).await, Err(Error::Invalid(wrong)) if wrong.field == "successor"));
        for unable in [&acme.vera, &acme.sam, &world.bolt.ada, mia] {
            let removed = remove(world, &acme.olga, acme.ops, mia, Some(id(unable))).await;
            assert!(matches!(removed, Err(Error::Invalid(_))), "{removed:?}");
        }
        assert!(world.again(mia).await.role_in(acme.ops).is_some(), "nothing has happened");
        remove(world, &acme.olga, acme.ops, mia, Some(id(&acme.ada))).await.unwrap();

        assert_eq!(world.state(acme, runs).await, TaskState::Running);
        assert_eq!((world.state(acme, queued).await, world.state(acme, waiting.id).await), (TaskState::Cancelled, TaskState::Cancelled));
        assert_eq!(world.state(acme, others).await, TaskState::Queued);
        let late = world.decide(&acme.ada, &approval, Answer::Approve).await;
        assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
        let system = world.store.system();
        assert!(system.key(hash("here")).await.unwrap().is_none(), "revoked");
        assert!(system.key(hash("wide")).await.unwrap().is_some(), "it reaches what she is still in, and that is nothing");
        let services = world.store.read(&acme.ada).await.unwrap().service_accounts().await.unwrap();
        assert_eq!((services[0].id, services[0].responsible_id), (robot, id(&acme.ada)));
        let record = newest(world, "membership.remove").await;
        assert_eq!((&record["cancelled"], &record["keys_revoked"], &record["successor"]),
            (&2.into(), &1.into(), &serde_json::json!(id(&acme.ada))));
        let notices = world.store.read(mia).await.unwrap().account_events(1).await.unwrap();
        assert_eq!((notices[0].happened, notices[0].detail.as_str()), (AccountNotice::MembershipRemoved, "acme ops"));
        let notices = world.store.read(&acme.ada).await.unwrap().account_events(1).await.unwrap();
        assert_eq!((notices[0].happened, notices[0].detail.as_str()), (AccountNotice::ServiceAccountsGiven, "Robot"));
    }

    /// A running task finishes, but is not started again: its owner is no longer a member.
    async fn d_03_a_departed_members_task_is_not_restarted(world) {
        let acme = &world.acme;
        let take = async |who: &Actor| {
            let made = submit(world, who, acme.ops).await.unwrap().id;
            let taken = world.claim(&acme.rex).await.unwrap();
            world.start(&acme.rex, lease(&taken)).await;
            made
        };
        let (gone, locked, stays) = (take(&acme.mia).await, take(&acme.abe).await, take(&acme.ada).await);
        remove(world, &acme.olga, acme.ops, &acme.mia, None).await.unwrap();
        lock(world, &acme.adam, &acme.abe).await.unwrap();
        for running in [gone, locked, stays] {
            assert_eq!(world.state(acme, running).await, TaskState::Running, "it may finish");
        }
        world.wait(Duration::from_secs(31));
        world.store.system().run_due_work().await.unwrap();
        for (task, state, because) in [
            (gone, TaskState::Cancelled, Value::from("its owner left the organization")),
            (locked, TaskState::Cancelled, Value::from("its owner is locked out")),
            (stays, TaskState::Queued, Value::Null),
        ] {
            assert_eq!(world.state(acme, task).await, state);
            let mut read = world.store.read(&acme.console).await.unwrap();
            let last = read.task_history(task).await.unwrap().pop().unwrap();
            assert_eq!(last.action, "task.release");
            assert_eq!(serde_json::from_str::<Value>(&last.body).unwrap()["detail"]["because"], because);
        }
    }

    /// A locked person's waiting tasks do not start; another person's task is claimed instead (K-09).
    async fn k_09_no_task_of_a_locked_person_starts(world) {
        let acme = &world.acme;
        let (theirs, waiting) = (submit(world, &acme.mia, acme.ops).await.unwrap().id, world.submit(&acme.mia, needs_approval(acme.ops)).await);
        let others = submit(world, &acme.ada, acme.ops).await.unwrap().id;
        lock(world, &acme.adam, &acme.mia).await.unwrap();
        let late = submit(world, &acme.mia, acme.ops).await;
        assert!(matches!(late, Err(Error::Conflict(_))), "a request that was under way: {late:?}");
        assert_eq!(world.claim(&acme.rex).await.unwrap().lease.task, others);
        assert_eq!(world.state(acme, theirs).await, TaskState::Cancelled);
        assert_eq!(world.history(acme, theirs).await, ["task.submit", "task.stop"]);
        let task = world.store.read(&acme.console).await.unwrap().task(theirs).await.unwrap();
        assert_eq!((task.attempt, task.runner), (0, None), "no runner heard of it");
        let approval = world.approval_request(&waiting).await;
        world.decide(&acme.ada, &approval, Answer::Approve).await.unwrap();
        assert!(world.claim(&acme.rex).await.is_none());
        assert_eq!(world.state(acme, waiting.id).await, TaskState::Cancelled);
    }

    /// Of leaving and submitting at the same time, the second sees the first, so that no task is left behind.
    async fn d_03_no_task_is_submitted_during_a_departure(world) {
        let acme = &world.acme;
        for round in 0..20 {
            let asks = round % 2 == 0;
            let task = if asks { needs_approval(acme.ops) } else { sealed(acme.ops) };
            let submit = world.change(&acme.mia, async |write| write.submit_task(acme.mia.may(task)?).await);
            let (left, submitted) = join!(leave(world, &acme.mia, acme.ops, None), submit);
            left.unwrap();
            match submitted {
                Ok(made) => assert_eq!(world.state(acme, made.id).await, TaskState::Cancelled, "round {round}"),
                Err(Error::Conflict(_)) => {}
                Err(error) => panic!("round {round}: {error:?}"),
            }
            assert!(world.claim(&acme.rex).await.is_none(), "round {round}");
            set(world, &acme.olga, acme.ops, id(&acme.mia), Role::Member).await.unwrap();
        }
    }

    /// A task claimed at that moment was claimed before and finishes or is stopped; otherwise it was canceled and is not
    /// claimed.
    async fn d_03_a_task_claimed_during_its_owners_departure_is_not_left_in_the_queue(world) {
        let acme = &world.acme;
        for round in 0..20 {
            let made = submit(world, &acme.mia, acme.ops).await.unwrap().id;
            let claim = world.change(&acme.rex, async |write| write.claim_tasks(&["bash".into()], 1).await);
            let (left, taken) = join!(leave(world, &acme.mia, acme.ops, None), claim);
            left.unwrap();
            match taken.unwrap().pop() {
                Some(taken) => {
                    assert_eq!(world.state(acme, made).await, TaskState::Assigned, "round {round}");
                    world.finish(&acme.rex, &taken, End::NotStarted("stopped".into())).await.unwrap();
                }
                None => assert_eq!(world.state(acme, made).await, TaskState::Cancelled, "round {round}"),
            }
            set(world, &acme.olga, acme.ops, id(&acme.mia), Role::Member).await.unwrap();
        }
    }

    /// A successor who leaves another organization of the account at the same time is rejected, or transfers it in turn.
    async fn d_03_the_responsible_person_is_a_member_of_the_accounts_organizations(world) {
        let acme = &world.acme;
        set(world, &acme.olga, acme.lab, id(&acme.mia), Role::Member).await.unwrap();
        let robot = robot(world, &acme.mia, &[(acme.ops, Role::Member), (acme.lab, Role::Member)]).await;
        for round in 0..10 {
            set(world, &acme.olga, acme.lab, id(&acme.ada), Role::Member).await.unwrap();
            let (handed, left) = join!(
                leave(world, &acme.mia, acme.ops, Some(id(&acme.ada))),
                leave(world, &acme.ada, acme.lab, None),
            );
            assert!(handed.is_ok() != left.is_ok(), "round {round}: {handed:?} {left:?}");
            let responsible = world.store.read(&acme.adam).await.unwrap().service_accounts().await.unwrap()[0].responsible_id;
            let responsible = person(&world.store, acme.tenant, responsible).await;
            assert!(responsible.role_in(acme.lab).is_some() && responsible.role_in(acme.ops).is_some(), "round {round}");
            if handed.is_ok() {
                set(world, &acme.olga, acme.ops, id(&acme.mia), Role::Member).await.unwrap();
                leave(world, &acme.ada, acme.lab, Some(id(&acme.mia))).await.unwrap();
            }
        }
        let _ = robot;
    }

    /// The same for a transfer by an admin.
    async fn m_01_an_account_is_not_transferred_to_a_person_who_leaves_concurrently(world) {
        let acme = &world.acme;
        let account = robot(world, &acme.mia, &[(acme.ops, Role::Member)]).await;
        let hand_on = async |from: &Actor, to: &Actor| {
            let (responsible, successor) = (id(from), id(to));
            let hand_on = TransferServiceAccount { account, responsible, successor, revoke: false };
            world.change(&acme.adam, async |write| write.transfer_service_account(acme.adam.may(hand_on)?).await).await
        };
        for round in 0..20 {
            let (handed, left) = join!(hand_on(&acme.mia, &acme.ada), leave(world, &acme.ada, acme.ops, None));
            assert!(handed.is_ok() != left.is_ok(), "round {round}: {handed:?} {left:?}");
            let refused = handed.as_ref().err().or(left.as_ref().err()).unwrap();
            assert!(matches!(refused, Error::Invalid(wrong) if wrong.field == "successor"), "round {round}: {refused:?}");
            let responsible = world.store.read(&acme.adam).await.unwrap().service_account(account).await.unwrap().responsible_id;
            let responsible = person(&world.store, acme.tenant, responsible).await;
            assert!(responsible.role_in(acme.ops).is_some(), "round {round}: {} is responsible and not a member", responsible.name);
            match handed {
                Ok(()) => hand_on(&acme.ada, &acme.mia).await.unwrap(),
                Err(_) => set(world, &acme.olga, acme.ops, id(&acme.ada), Role::Approver).await.unwrap(),
            }
        }
    }

    /// Rights can always be removed; nobody gains rights in an archived organization.
    async fn d_03_a_role_in_an_archived_organization_can_only_be_lowered(world) {
        let acme = &world.acme;
        archive(world, &acme.olga, acme.ops).await.unwrap();
        set(world, &acme.olga, acme.ops, id(&acme.ada), Role::Viewer).await.unwrap();
        assert_eq!(world.again(&acme.ada).await.role_in(acme.ops), Some(Role::Viewer));
        for more in [Role::Viewer, Role::Member, Role::Owner] {
            let raised = set(world, &acme.olga, acme.ops, id(&acme.ada), more).await;
            assert!(matches!(raised, Err(Error::Conflict(_))), "{more}: {raised:?}");
        }
        let last = set(world, &acme.olga, acme.ops, id(&acme.olga), Role::Member).await;
        assert!(matches!(last, Err(Error::Conflict(_))), "the last owner stays one here, too: {last:?}");
        let close = SetAcceptsJoinRequests { organization: acme.ops, open: false };
        world.change(&acme.olga, async |w| w.set_accepts_join_requests(acme.olga.may(close)?).await).await.unwrap();
    }

    /// The responsible person creates the service account's keys, so they must not have lower rights.
    async fn d_03_a_responsible_person_needs_the_same_or_a_higher_role(world) {
        let acme = &world.acme;
        set(world, &acme.olga, acme.lab, id(&acme.mia), Role::Member).await.unwrap();
        let robot = robot(world, &acme.mia, &[(acme.ops, Role::Member), (acme.lab, Role::Member)]).await;
        let able = world.store.read(&acme.olga).await.unwrap().departure(acme.ops, id(&acme.mia)).await.unwrap().successors;
        assert_eq!(able.iter().map(|member| member.person_id).collect::<Vec<_>>(), [id(&acme.olga)], "ada is not in the laboratory");
        assert!(matches!(leave(world, &acme.mia, acme.ops, Some(id(&acme.ada))).await, Err(Error::Invalid(_))));
        leave(world, &acme.mia, acme.ops, Some(id(&acme.olga))).await.unwrap();
        let services = world.store.read(&acme.olga).await.unwrap().service_accounts().await.unwrap();
        assert_eq!(services[0].id, robot);
        let robot = person(&world.store, acme.tenant, robot).await;
        assert_eq!(robot.role_in(acme.ops), Some(Role::Member), "it stays what it is");
    }
}
