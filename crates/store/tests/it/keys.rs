//! API keys (M-01): shown once, stored as hashes, invalid as soon as they are revoked.
use crate::world::{World, decision, hash, holding, needs_approval, new_key, on_both, person, task};
use domain::{
    Actor, KeyId, PersonId,
    approval::{Answer, Requesters},
    audit::Outcome,
    policy::{
        ChangeKey, CreateKey, CreateServiceAccount, Decide, DenialReason, FreezeTenant, IssuePasswordLink,
        KeyExpiryChange, ReadAudit, RemoveMembership, RevokeKey, RevokeKeysOf, RotateKey, SetMembership, SetTenantRole,
        TransferServiceAccount,
    },
    role::{Role, TenantRole},
};
use serde_json::json;
use std::time::Duration;
use store::{Conflict, Error, Result, TaskFilter};

async fn create(world: &World, actor: &Actor, key: CreateKey, token: &str) -> Result<KeyId> {
    world.change(actor, async |write| write.create_key(actor.may(key)?, &token[..6], hash(token)).await).await
}

async fn works(world: &World, token: &str) -> bool {
    world.store.system().key(hash(token)).await.unwrap().is_some()
}

async fn revoke(world: &World, actor: &Actor, key: KeyId, of: &Actor) -> Result<()> {
    let revoke = RevokeKey { key, owner: of.person().unwrap(), responsible: None };
    world.change(actor, async |write| write.revoke_key(actor.may(revoke)?).await).await
}

async fn rotate(world: &World, actor: &Actor, key: KeyId, of: &Actor, overlap: u64, token: &str) -> Result<KeyId> {
    let owner = of.person().unwrap();
    let rotate = RotateKey { key, owner, responsible: None, overlap: Duration::from_secs(overlap) };
    world.change(actor, async |write| write.rotate_key(actor.may(rotate)?, &token[..6], hash(token)).await).await
}

async fn change(
    world: &World,
    actor: &Actor,
    key: KeyId,
    of: &Actor,
    networks: &str,
    end: KeyExpiryChange,
) -> Result<()> {
    let (owner, responsible, name) = (of.person().unwrap(), None, "renamed".to_owned());
    let change = ChangeKey { key, owner, responsible, name, networks: networks.parse().unwrap(), end };
    world.change(actor, async |write| write.change_key(actor.may(change)?).await).await
}

/// Returns a service account that Mia is responsible for, a member of `ops`, acting by its key.
async fn robot(world: &World) -> Actor {
    let (acme, mia) = (&world.acme, world.acme.mia.person().unwrap());
    let made = world
        .change(&acme.adam, async |write| {
            let robot = CreateServiceAccount { name: "Robot".into(), responsible: mia };
            let robot = write.create_service_account(acme.adam.may(robot)?).await?;
            let join = SetMembership { organization: acme.ops, person: robot, role: Role::Member };
            write.set_membership(acme.adam.may(join)?).await?;
            Ok(robot)
        })
        .await
        .unwrap();
    person(&world.store, acme.tenant, made).await
}

on_both! {
    async fn m_01_a_rotated_key_and_its_successor_both_work_until_the_overlap_ends(world) {
        let mia = &world.acme.mia;
        let limits = CreateKey { networks: "192.0.2.0/24".parse().unwrap(), organization: Some(world.acme.ops), ..new_key(mia, "k", "tasks:*") };
        let ends = CreateKey { expires_at: Some(world.now().after(Duration::from_hours(48))), ..limits };
        let old = create(world, mia, ends, "mk_old123").await.unwrap();
        world.wait(Duration::from_hours(24));
        let new = rotate(world, mia, old, mia, 3_600, "mk_new123").await.unwrap();
        assert!(works(world, "mk_old123").await && works(world, "mk_new123").await);
        let mut read = world.store.read(mia).await.unwrap();
        let (was, is) = (read.key(old).await.unwrap(), read.key(new).await.unwrap());
        drop(read);
        assert_eq!(was.successor.as_deref(), Some("mk_new"), "it is shown what takes its place");
        assert_eq!(was.expires_at, Some(world.now().after(Duration::from_hours(1))), "and until when both work");
        assert_eq!((is.name, is.scopes, is.organization_id), (was.name, was.scopes, was.organization_id));
        assert_eq!((is.networks, is.expires_at), (was.networks, Some(world.now().after(Duration::from_hours(48)))));
        world.wait(Duration::from_hours(1));
        assert!(!works(world, "mk_old123").await && works(world, "mk_new123").await);
    }

    async fn m_01_the_owner_or_an_admin_renames_binds_and_expires_a_key(world) {
        let (acme, mia) = (&world.acme, &world.acme.mia);
        let key = create(world, mia, new_key(mia, "k", "tasks:*"), "mk_abcdef").await.unwrap();
        let at = |days: u64| world.now().after(Duration::from_hours(24 * days));
        let now = async || world.store.read(mia).await.unwrap().key(key).await.unwrap();
        change(world, mia, key, mia, "192.0.2.0/24", KeyExpiryChange::At(at(30))).await.unwrap();
        let (held, _) = world.store.system().key(hash("mk_abcdef")).await.unwrap().unwrap();
        assert_eq!((held.name.as_str(), held.networks.to_string().as_str()), ("renamed", "192.0.2.0/24"));
        assert_eq!((held.expires_at, now().await.scopes), (Some(at(30)), "tasks:*".parse().unwrap()));
        change(world, &acme.adam, key, mia, "", KeyExpiryChange::Kept).await.unwrap();
        assert_eq!((now().await.networks.is_empty(), now().await.expires_at), (true, Some(at(30))), "omitted fields stay unchanged");
        for stranger in [&acme.olga, &acme.audrey, &acme.sam] {
            assert!(matches!(change(world, stranger, key, mia, "", KeyExpiryChange::Never).await, Err(Error::Denied(_))));
            assert!(matches!(change(world, stranger, key, stranger, "", KeyExpiryChange::Never).await, Err(Error::NotFound)));
        }
        assert!(matches!(change(world, mia, key, mia, "", KeyExpiryChange::At(world.now())).await, Err(Error::Invalid(_))));
        // A key that is being replaced keeps its expiry; everything else can change.
        rotate(world, mia, key, mia, 3_600, "mk_new123").await.unwrap();
        assert!(matches!(change(world, mia, key, mia, "", KeyExpiryChange::Never).await, Err(Error::Conflict(_))));
        change(world, mia, key, mia, "198.51.100.7", KeyExpiryChange::Kept).await.unwrap();
        let proof = acme.adam.may(ReadAudit).unwrap();
        let filter = store::AuditFilter { action: Some("key.change".into()), outcome: Some(Outcome::Done), ..Default::default() };
        let records = world.store.read(&acme.adam).await.unwrap().audit(&proof, filter, None, 10).await.unwrap().items;
        assert_eq!(records.len(), 3, "what was refused changed nothing");
        assert!(records[0].body.contains("198.51.100.7/32") && records[1].body.contains("192.0.2.0/24"), "and what it was: {records:?}");
        world.change(&acme.adam, async |write| write.freeze(acme.adam.may(FreezeTenant {})?).await).await.unwrap();
        assert!(matches!(change(world, mia, key, mia, "", KeyExpiryChange::Kept).await, Err(Error::Conflict(_))), "frozen");
        revoke(world, mia, key, mia).await.unwrap();
        assert!(matches!(change(world, mia, key, mia, "", KeyExpiryChange::Kept).await, Err(Error::Conflict(_))), "it is revoked");
    }

    async fn m_01_an_inactive_or_replaced_key_cannot_be_rotated(world) {
        let (mia, olga) = (&world.acme.mia, &world.acme.olga);
        let key = create(world, mia, new_key(mia, "k", "tasks:*"), "mk_abcdef").await.unwrap();
        assert!(matches!(rotate(world, olga, key, mia, 60, "mk_olga12").await, Err(Error::Denied(_))));
        assert!(matches!(rotate(world, olga, key, olga, 60, "mk_olga12").await, Err(Error::NotFound)));
        assert!(matches!(rotate(world, mia, key, mia, 31 * 86_400, "mk_long12").await, Err(Error::Invalid(_))));
        let next = rotate(world, mia, key, mia, 60, "mk_next12").await.unwrap();
        assert!(matches!(rotate(world, mia, key, mia, 60, "mk_twice1").await, Err(Error::Conflict(_))));
        revoke(world, mia, next, mia).await.unwrap();
        assert!(matches!(rotate(world, mia, next, mia, 60, "mk_gone12").await, Err(Error::Conflict(_))));
        assert!(works(world, "mk_abcdef").await, "what was refused changed nothing");
    }

    async fn m_01_a_key_never_exceeds_its_owners_present_rights(world) {
        let acme = &world.acme;
        for (actor, scopes) in [(&acme.mia, "audit:read"), (&acme.mia, "tasks:*,approvals:*"), (&acme.vera, "tasks:submit"), (&acme.audrey, "tasks:cancel")] {
            let made = create(world, actor, new_key(actor, "k", scopes), "mk_abcdef").await;
            assert!(matches!(&made, Err(Error::Invalid(wrong)) if wrong.field == "scopes"), "{scopes}: {made:?}");
        }
        create(world, &acme.ada, new_key(&acme.ada, "k", "approvals:*"), "mk_abcdef").await.unwrap();
        let key = create(world, &acme.audrey, new_key(&acme.audrey, "k", "audit:read"), "mk_audrey").await.unwrap();
        let only = CreateKey { organization: Some(acme.ops), ..new_key(&acme.adam, "k", "audit:read") };
        assert!(matches!(create(world, &acme.adam, only, "mk_adam12").await, Err(Error::Invalid(_))), "one organization is not the tenant");
        let elsewhere = CreateKey { organization: Some(acme.lab), ..new_key(&acme.mia, "k", "tasks:*") };
        let refused = create(world, &acme.mia, elsewhere, "mk_lab123").await;
        assert!(matches!(&refused, Err(Error::Invalid(wrong)) if wrong.field == "organization"), "{refused:?}");
        // Rights are checked again when the key is rotated.
        let demote = SetTenantRole { person: acme.audrey.person().unwrap(), tenant_role: TenantRole::Person };
        world.change(&acme.adam, async |write| write.set_tenant_role(acme.adam.may(demote)?).await).await.unwrap();
        assert!(matches!(rotate(world, &acme.audrey, key, &acme.audrey, 60, "mk_next12").await, Err(Error::Invalid(_))));
    }

    async fn m_01_a_key_limited_to_one_organization_finds_nothing_of_others(world) {
        let acme = &world.acme;
        let (mut olga, lab) = (acme.olga.clone(), acme.lab);
        let here = world.submit(&acme.olga, task(acme.ops, json!({ "title": "here" }))).await;
        let there = world.submit(&acme.olga, task(lab, json!({ "title": "there", "visibility": "public" }))).await;
        let waiting = world.submit(&acme.olga, needs_approval(lab)).await;
        olga.roles.retain(|organization, _| *organization == acme.ops);
        olga.only = Some(acme.ops);
        let mut read = world.store.read(&olga).await.unwrap();
        let listed = read.tasks(&TaskFilter::default(), None, 50).await.unwrap();
        assert_eq!(listed.items.iter().map(|row| row.id).collect::<Vec<_>>(), [here.id]);
        assert!(read.task(here.id).await.is_ok() && read.progress(here.id).await.is_ok());
        for id in [there.id, waiting.id] {
            assert!(matches!(read.task(id).await, Err(Error::NotFound)));
            assert!(matches!(read.progress(id).await, Err(Error::NotFound)));
            assert!(matches!(read.log(id, 1, 1).await, Err(Error::NotFound)));
        }
        assert!(read.approval_of(waiting.id).await.unwrap_or(None).is_none());
        assert!(read.approvals(&store::ApprovalFilter::default(), None, 50).await.unwrap().items.is_empty());
        assert_eq!(read.organizations().await.unwrap().len(), 1);
        assert!(read.organization(lab).await.is_err() && read.open_counts().await.is_err());
        let counted = read.task_counts(&TaskFilter::default()).await.unwrap();
        assert_eq!(counted.values().sum::<i64>(), 1);
        drop(read);
        assert!(olga.may(needs_approval(lab)).is_err());
        let cancel = domain::policy::CancelTask { task: there.id, owner: olga.person().unwrap(), organization: lab };
        assert!(olga.may(cancel).is_err());
    }

    async fn m_01_a_person_or_an_admin_revokes_all_keys_of_the_person_at_once(world) {
        let acme = &world.acme;
        for token in ["mk_first1", "mk_secon1"] {
            create(world, &acme.mia, new_key(&acme.mia, "k", "tasks:*"), token).await.unwrap();
        }
        create(world, &acme.olga, new_key(&acme.olga, "k", "tasks:*"), "mk_olga12").await.unwrap();
        let all = || RevokeKeysOf { owner: acme.mia.person().unwrap(), responsible: None };
        let by = async |actor: &Actor| world.change(actor, async |write| write.revoke_keys_of(actor.may(all())?).await).await;
        assert!(matches!(by(&acme.olga).await, Err(Error::Denied(_))));
        assert!(matches!(by(&world.bolt.adam).await, Err(Error::NotFound)));
        assert_eq!(by(&acme.adam).await.unwrap(), 2);
        assert_eq!(by(&acme.mia).await.unwrap(), 0);
        assert!(!works(world, "mk_first1").await && !works(world, "mk_secon1").await && works(world, "mk_olga12").await);
    }

    async fn m_01_a_service_account_owns_keys_and_never_signs_in(world) {
        let acme = &world.acme;
        let robot = robot(world).await;
        let owner = robot.person().unwrap();
        let address = robot.email.clone().unwrap();
        assert!(world.store.system().credentials(&address).await.unwrap().is_empty(), "nobody signs in with it");
        let link = IssuePasswordLink { person: owner };
        let linked = world.change(&acme.adam, async |write| write.issue_password_link(acme.adam.may(link)?, [7; 32]).await).await;
        assert!(matches!(linked, Err(Error::NotFound)), "{linked:?}");
        assert!(matches!(world.change(&acme.adam, async |write| write.set_password(owner, "$argon2id$").await).await, Err(Error::NotFound)));
        let promote = SetTenantRole { person: owner, tenant_role: TenantRole::Admin };
        assert!(world.change(&acme.adam, async |write| write.set_tenant_role(acme.adam.may(promote)?).await).await.is_err());
        let mut read = world.store.read(&acme.adam).await.unwrap();
        assert!(read.people("", 100).await.unwrap().iter().all(|person| person.id != owner), "it is no person");
        assert!(read.find_people("Robot", 10).await.unwrap().is_empty());
        drop(read);

        let mia = acme.mia.person();
        let key = |responsible: Option<PersonId>| CreateKey { responsible, ..new_key(&robot, "k", "tasks:*") };
        create(world, &acme.mia, key(mia), "mk_robot1").await.unwrap();
        create(world, &acme.adam, key(mia), "mk_robot2").await.unwrap();
        let listed = world.store.read(&acme.mia).await.unwrap().keys().await.unwrap();
        assert_eq!(listed.len(), 2, "the responsible person sees its keys");
        assert!(world.store.read(&acme.sam).await.unwrap().service_accounts().await.unwrap().is_empty());
        assert!(matches!(create(world, &acme.olga, key(mia), "mk_olga12").await, Err(Error::Denied(_))));
        // Claiming to be the responsible person has no effect, nor for a person.
        assert!(matches!(create(world, &acme.olga, key(acme.olga.person()), "mk_olga12").await, Err(Error::NotFound)));
        let posing = CreateKey { responsible: acme.olga.person(), ..new_key(&acme.mia, "k", "tasks:*") };
        assert!(matches!(create(world, &acme.olga, posing, "mk_olga12").await, Err(Error::NotFound)));
        let decide = CreateKey { scopes: "approvals:*".parse().unwrap(), ..key(mia) };
        assert!(matches!(create(world, &acme.console, decide, "mk_decide").await, Err(Error::Invalid(_))), "it decides nothing");
    }

    /// A person who can create keys for the requester could otherwise approve their own request (D-04, M-01).
    async fn d_04_the_responsible_person_cannot_decide_requests_of_a_service_account(world) {
        let acme = &world.acme;
        let robot = robot(world).await;
        let promote = SetMembership { organization: acme.ops, person: acme.mia.person().unwrap(), role: Role::Approver };
        world.change(&acme.adam, async |write| write.set_membership(acme.adam.may(promote)?).await).await.unwrap();
        let mia = world.again(&acme.mia).await;
        let waiting = world.submit(&robot, needs_approval(acme.ops)).await;
        let approval = world.approval_request(&waiting).await;
        let by = async |actor: &Actor| world.change(actor, async |write| write.decide(actor.may(decision(&approval, Answer::Approve))?).await).await;
        let waits = async |actor: &Actor| {
            let mut read = world.store.read(actor).await.unwrap();
            (read.approvals_waiting_for_me().await.unwrap(), read.approvals_for_me(10).await.unwrap().len())
        };
        assert_eq!((waits(&mia).await, waits(&acme.ada).await), ((0, 0), (1, 1)), "it does not wait for her");
        assert!(matches!(by(&mia).await, Err(Error::Denied(why)) if why.reason == DenialReason::ResponsibleForRequester));
        // She became responsible after the policy was evaluated.
        let before = Decide { requesters: Requesters::only(approval.requester_id), ..decision(&approval, Answer::Approve) };
        let late = world.change(&mia, async |write| write.decide(mia.may(before)?).await).await;
        assert!(matches!(late, Err(Error::Conflict(Conflict::DeciderIsResponsible))));
        by(&acme.ada).await.unwrap();
    }

    /// The creator of a key has seen its token and can submit with it, whether or not they are responsible for its owner (D-04, M-01).
    async fn d_04_the_creator_of_a_key_cannot_decide_its_requests(world) {
        let (acme, robot) = (&world.acme, robot(world).await);
        let promote = SetMembership { organization: acme.ops, person: acme.mia.person().unwrap(), role: Role::Approver };
        world.change(&acme.adam, async |write| write.set_membership(acme.adam.may(promote)?).await).await.unwrap();
        let mia = world.again(&acme.mia).await;
        let made = CreateKey { responsible: mia.person(), ..new_key(&robot, "k", "tasks:*") };
        let key = create(world, &mia, made, "mk_robot1").await.unwrap();
        let successor = acme.ada.person().unwrap();
        let hand_on = TransferServiceAccount { account: robot.person().unwrap(), responsible: mia.person().unwrap(), successor, revoke: false };
        world.change(&acme.adam, async |write| write.transfer_service_account(acme.adam.may(hand_on)?).await).await.unwrap();

        let waiting = world.submit(&holding(&robot, key, "tasks:*"), needs_approval(acme.ops)).await;
        let approval = world.approval_request(&waiting).await;
        let by = async |actor: &Actor| world.change(actor, async |write| write.decide(actor.may(decision(&approval, Answer::Approve))?).await).await;
        for behind in [&mia, &acme.ada] {
            assert_eq!(world.store.read(behind).await.unwrap().approvals_waiting_for_me().await.unwrap(), 0);
            assert!(matches!(by(behind).await, Err(Error::Denied(why)) if why.reason == DenialReason::ResponsibleForRequester));
        }
        let before = Decide { requesters: Requesters::only(approval.requester_id), ..decision(&approval, Answer::Approve) };
        let late = world.change(&mia, async |write| write.decide(mia.may(before)?).await).await;
        assert!(matches!(late, Err(Error::Conflict(Conflict::DeciderCreatedKey))));
        by(&acme.olga).await.unwrap();
    }

    async fn m_01_an_admin_transfers_a_service_account_to_an_eligible_person(world) {
        let (acme, robot) = (&world.acme, robot(world).await);
        let (account, mia) = (robot.person().unwrap(), acme.mia.person().unwrap());
        let made = CreateKey { responsible: Some(mia), ..new_key(&robot, "k", "tasks:*") };
        create(world, &acme.mia, made, "mk_robot1").await.unwrap();
        let gone = RemoveMembership { organization: acme.ops, person: mia, successor: acme.olga.person() };
        world.change(&acme.adam, async |write| write.remove_membership(acme.adam.may(gone)?).await).await.unwrap();
        let responsible = async || world.store.read(&acme.adam).await.unwrap().service_account(account).await.unwrap().responsible_id;
        let olga = acme.olga.person().unwrap();
        assert_eq!(responsible().await, olga);
        let to = async |by: &Actor, responsible: PersonId, to: &Actor, revoke: bool| {
            let hand_on = TransferServiceAccount { account, responsible, successor: to.person().unwrap(), revoke };
            world.change(by, async |write| write.transfer_service_account(by.may(hand_on)?).await).await
        };
        assert!(matches!(to(&acme.olga, olga, &acme.ada, false).await, Err(Error::Denied(_))), "an admin does");
        assert!(matches!(to(&acme.adam, olga, &acme.sam, false).await, Err(Error::Invalid(_))), "sam is in no organization");
        assert!(matches!(to(&acme.adam, olga, &robot, false).await, Err(Error::Invalid(_))), "no person");
        assert!(matches!(to(&acme.adam, olga, &acme.olga, false).await, Err(Error::Conflict(_))));
        assert!(matches!(to(&acme.adam, mia, &acme.ada, false).await, Err(Error::NotFound)), "she is no longer responsible for it");
        assert!(matches!(to(&world.bolt.adam, olga, &acme.ada, false).await, Err(Error::NotFound)));
        to(&acme.adam, olga, &acme.ada, false).await.unwrap();
        assert!(works(world, "mk_robot1").await, "its keys keep working");
        to(&acme.adam, acme.ada.person().unwrap(), &acme.adam, true).await.unwrap();
        assert_eq!(responsible().await, acme.adam.person().unwrap());
        assert!(!works(world, "mk_robot1").await);
        assert!(world.store.read(&acme.olga).await.unwrap().service_account(account).await.is_err(), "she can no longer read it");
    }

    /// They could use its keys to exceed their own rights (M-01).
    async fn m_01_a_person_with_a_lower_role_cannot_create_keys_of_a_service_account(world) {
        let (acme, robot) = (&world.acme, robot(world).await);
        let key = || CreateKey { responsible: acme.mia.person(), ..new_key(&robot, "k", "tasks:*") };
        let made = create(world, &acme.mia, key(), "mk_robot1").await.unwrap();
        let lower = SetMembership { organization: acme.ops, person: acme.mia.person().unwrap(), role: Role::Viewer };
        world.change(&acme.adam, async |write| write.set_membership(acme.adam.may(lower)?).await).await.unwrap();
        let mia = world.again(&acme.mia).await;
        let refused = |outcome: Result<KeyId, Error>| matches!(outcome, Err(Error::Conflict(Conflict::ServiceAccountExceedsResponsible)));
        assert!(refused(create(world, &mia, key(), "mk_robot2").await));
        let rotate = RotateKey { key: made, owner: robot.person().unwrap(), responsible: mia.person(), overlap: Duration::ZERO };
        assert!(refused(world.change(&mia, async |write| write.rotate_key(mia.may(rotate)?, "mk_rob", hash("mk_robot3")).await).await));
        assert!(works(world, "mk_robot1").await, "existing keys keep working");
        create(world, &acme.adam, key(), "mk_robot4").await.unwrap();
    }

    async fn m_01_a_key_is_found_by_its_token_and_listed_by_its_prefix(world) {
        let acme = &world.acme;
        let id = create(world, &acme.mia, new_key(&acme.mia, "deploy script", "tasks:*,approvals:read"), "mk_abcdef").await.unwrap();
        let (found, holder) = world.store.system().key(hash("mk_abcdef")).await.unwrap().unwrap();
        assert_eq!((holder.name, holder.roles), (acme.mia.name.clone(), acme.mia.roles.clone()));
        assert_eq!((found.tenant_id, found.id, found.owner_id), (acme.tenant, id, acme.mia.person().unwrap()));
        assert_eq!(found.scopes.to_string(), "tasks:read,tasks:submit,tasks:cancel,approvals:read");
        let listed = world.store.read(&acme.mia).await.unwrap().keys().await.unwrap();
        assert_eq!((listed.len(), listed[0].prefix.as_str(), listed[0].name.as_str()), (1, "mk_abc", "deploy script"));
        assert!(!works(world, "mk_abcdeg").await);
    }

    async fn m_01_a_revoked_key_stops_working_immediately(world) {
        let acme = &world.acme;
        let id = create(world, &acme.mia, new_key(&acme.mia, "k", "tasks:*"), "mk_abcdef").await.unwrap();
        revoke(world, &acme.mia, id, &acme.mia).await.unwrap();
        assert!(!works(world, "mk_abcdef").await);
        assert!(matches!(revoke(world, &acme.mia, id, &acme.mia).await, Err(Error::Conflict(_))));
        assert!(world.store.read(&acme.mia).await.unwrap().key(id).await.unwrap().revoked_at.is_some(), "it stays in the list");
        assert!(matches!(revoke(world, &acme.adam, KeyId(store::new_id()), &acme.mia).await, Err(Error::NotFound)));
    }

    async fn m_01_an_admin_revokes_any_key_and_others_only_their_own(world) {
        let acme = &world.acme;
        let id = create(world, &acme.mia, new_key(&acme.mia, "k", "tasks:*"), "mk_abcdef").await.unwrap();
        assert!(matches!(revoke(world, &acme.olga, id, &acme.mia).await, Err(Error::Denied(_))));
        assert!(matches!(revoke(world, &acme.olga, id, &acme.olga).await, Err(Error::NotFound)), "nor as if it were hers");
        assert!(works(world, "mk_abcdef").await);
        revoke(world, &acme.adam, id, &acme.mia).await.unwrap();
        assert!(!works(world, "mk_abcdef").await);
    }

    async fn m_01_a_key_expires(world) {
        let acme = &world.acme;
        let ends = |at| CreateKey { expires_at: Some(at), ..new_key(&acme.mia, "k", "tasks:*") };
        let past = create(world, &acme.mia, ends(world.now()), "mk_past12").await;
        assert!(matches!(past, Err(Error::Invalid(_))), "{past:?}");
        create(world, &acme.mia, ends(world.now().after(Duration::from_mins(1))), "mk_abcdef").await.unwrap();
        world.wait(Duration::from_secs(59));
        assert!(works(world, "mk_abcdef").await);
        world.wait(Duration::from_secs(1));
        assert!(!works(world, "mk_abcdef").await);
    }

    async fn m_01_two_keys_overlap_while_one_replaces_the_other(world) {
        let mia = &world.acme.mia;
        let old = create(world, mia, new_key(mia, "k", "tasks:*"), "mk_old123").await.unwrap();
        create(world, mia, new_key(mia, "k", "tasks:*"), "mk_new123").await.unwrap();
        assert!(works(world, "mk_old123").await && works(world, "mk_new123").await);
        revoke(world, mia, old, mia).await.unwrap();
        assert!(!works(world, "mk_old123").await && works(world, "mk_new123").await);
    }

    async fn m_01_last_use_is_kept_to_a_minute(world) {
        let mia = &world.acme.mia;
        create(world, mia, new_key(mia, "k", "tasks:*"), "mk_abcdef").await.unwrap();
        let system = world.store.system();
        let touch = async || {
            system.touch_key(&system.key(hash("mk_abcdef")).await.unwrap().unwrap().0).await.unwrap();
            system.key(hash("mk_abcdef")).await.unwrap().unwrap().0.last_used_at
        };
        let begun = world.now();
        assert_eq!(touch().await, Some(begun));
        world.wait(Duration::from_secs(59));
        assert_eq!(touch().await, Some(begun));
        world.wait(Duration::from_secs(1));
        assert_eq!(touch().await, Some(world.now()));
    }

    async fn m_01_the_console_creates_keys_only_for_people_of_its_tenant(world) {
        let (acme, bolt) = (&world.acme, &world.bolt);
        create(world, &acme.console, new_key(&acme.mia, "k", "tasks:*"), "mk_abcdef").await.unwrap();
        let foreign = create(world, &acme.console, new_key(&bolt.mia, "k", "tasks:*"), "mk_foreig").await;
        assert!(matches!(foreign, Err(Error::NotFound)), "{foreign:?}");
        assert!(create(world, &acme.adam, new_key(&acme.mia, "k", "tasks:*"), "mk_adam12").await.is_err());
    }
}
