//! Rules (D-05): their conditions at submission, versions, past tasks, and confirmation of less strict ones.
use crate::{
    raw::Raw,
    world::{World, hash, needs_approval, on_both, task},
};
use domain::{
    Actor, PersonId, Timestamp,
    confirmation::ProtectedChange,
    label::Labels,
    network::NetworkPolicy,
    policy::{ChangeRules, DenialReason, ReadAudit, SetDualControl, SetTenantRole},
    role::TenantRole,
    rule::{DEFAULT_VERDICT, Hours, Rule, Rules, Verdict},
    task::TaskState,
};
use serde_json::json;
use std::time::Duration;
use store::{Applied, Confirmation, Conflict, Error, MailedLink, Result};

fn id(actor: &Actor) -> PersonId {
    actor.person().unwrap()
}

fn looser() -> Rules {
    Rules::new(vec![Rule::new("everything runs", Verdict::Run)]).unwrap()
}

fn stricter() -> Rules {
    Rules::new(vec![Rule::new("nothing runs", Verdict::Refuse)]).unwrap()
}

async fn version(world: &World) -> i64 {
    world.store.read(&world.acme.console).await.unwrap().rules().await.unwrap().version
}

/// Changes the rules in force.
async fn change(world: &World, by: &Actor, rules: Rules) -> Result<Applied> {
    let version = version(world).await;
    world
        .change(by, async |write| write.change_rules(by.may(ChangeRules { rules: rules.clone(), version })?).await)
        .await
}

async fn second_admin(world: &World) -> Actor {
    let (console, abe) = (&world.acme.console, &world.acme.abe);
    let set = SetTenantRole { person: id(abe), tenant_role: TenantRole::Admin };
    world.change(console, async |write| write.set_tenant_role(console.may(set)?).await).await.unwrap();
    world.again(abe).await
}

async fn require(world: &World, enabled: bool) {
    let console = &world.acme.console;
    let set = SetDualControl { enabled };
    world.change(console, async |write| write.set_dual_control(console.may(set)?).await).await.unwrap();
}

async fn waiting(world: &World, actor: &Actor) -> Vec<Confirmation> {
    world.store.read(actor).await.unwrap().confirmations().await.unwrap()
}

async fn confirm(world: &World, actor: &Actor, request: &Confirmation) -> Result<()> {
    let (action, link) = (request.confirm_action(), MailedLink { token: "", token_hash: hash("confirmed") });
    world.change(actor, async |write| write.confirm_change(actor.may(action)?, link).await).await.map(drop)
}

async fn actions(world: &World) -> Vec<String> {
    let mut read = world.store.read(&world.acme.console).await.unwrap();
    let proof = world.acme.console.may(ReadAudit).unwrap();
    let rows = read.audit(&proof, store::AuditFilter::default(), None, 3).await.unwrap();
    rows.items.into_iter().map(|row| row.action).collect()
}

on_both! {
    async fn d_05_less_strict_rules_wait_for_a_second_admin(world) {
        let acme = &world.acme;
        require(world, true).await;
        let (adam, abe) = (&acme.adam, second_admin(world).await);
        assert_eq!(change(world, adam, looser()).await.unwrap(), Applied::AfterConfirmation);
        assert_eq!(version(world).await, 1, "nothing changed");
        let again = change(world, adam, looser()).await;
        assert!(matches!(again, Err(Error::Conflict(Conflict::ConfirmationExists))), "{again:?}");

        let request = waiting(world, &abe).await.remove(0);
        assert!(matches!(request.change, ProtectedChange::LoosenRules { version: 1, .. }));
        let (_, replaced, rules) = world.store.read(&abe).await.unwrap().rules_proposal(request.id).await.unwrap();
        assert_eq!((replaced, rules), (1, looser()));
        for other in [&acme.mia, &acme.olga, &world.bolt.adam] {
            let hidden = world.store.read(other).await.unwrap().rules_proposal(request.id).await;
            assert!(matches!(hidden, Err(Error::NotFound)), "{hidden:?}");
        }
        for (actor, reason) in [(adam, DenialReason::OwnConfirmation), (&acme.olga, DenialReason::AdminOnly), (&acme.audrey, DenialReason::AdminOnly)] {
            assert_eq!(actor.may(request.confirm_action()).unwrap_err().reason, reason);
        }
        confirm(world, &abe, &request).await.unwrap();
        let mut read = world.store.read(&acme.mia).await.unwrap();
        let last = read.rules_versions(None, 1).await.unwrap().remove(0);
        assert_eq!((last.version, last.author.as_deref()), (2, Some(adam.name.as_str())), "its requester made it");
        assert_eq!(read.rules().await.unwrap().rules, looser());
        drop(read);
        assert_eq!(actions(world).await, ["confirmation.confirm", "rules.change", "confirmation.request"]);
        let twice = confirm(world, &abe, &request).await;
        assert!(matches!(twice, Err(Error::Conflict(Conflict::ConfirmationSettled))), "{twice:?}");
    }

    async fn d_05_stricter_rules_apply_at_once(world) {
        require(world, true).await;
        let abe = second_admin(world).await;
        assert_eq!(change(world, &world.acme.adam, stricter()).await.unwrap(), Applied::Now);
        assert!(waiting(world, &abe).await.is_empty());
        require(world, false).await;
        assert_eq!(change(world, &world.acme.adam, looser()).await.unwrap(), Applied::Now, "without dual control");
    }

    async fn d_05_a_single_admin_changes_rules_alone(world) {
        require(world, true).await;
        assert_eq!(change(world, &world.acme.adam, looser()).await.unwrap(), Applied::Now);
        let mia = &world.acme.mia;
        assert_eq!(mia.may(ChangeRules { rules: looser(), version: 2 }).unwrap_err().reason, DenialReason::AdminOnly);
        let mut idle = world.acme.adam.clone();
        idle.fresh = false;
        assert!(idle.may(ChangeRules { rules: looser(), version: 2 }).unwrap_err().stale, "a fresh proof is required");
    }

    async fn d_05_a_change_withdraws_proposals_about_the_rules_that_it_replaces(world) {
        require(world, true).await;
        let (adam, abe) = (&world.acme.adam, second_admin(world).await);
        change(world, adam, looser()).await.unwrap();
        let request = waiting(world, &abe).await.remove(0);
        change(world, &abe, stricter()).await.unwrap();
        assert_eq!(actions(world).await[..2], ["rules.change", "confirmation.decline"]);
        assert!(waiting(world, &abe).await.is_empty());
        let late = confirm(world, &abe, &request).await;
        assert!(matches!(late, Err(Error::Conflict(Conflict::ConfirmationSettled))), "{late:?}");
        assert_eq!(version(world).await, 2);
    }

    async fn d_05_an_altered_proposal_is_not_applied(world) {
        require(world, true).await;
        let (adam, abe) = (&world.acme.adam, second_admin(world).await);
        let rules = Rules::new(vec![Rule::new("r", Verdict::Ask { approvers: 1, hours: 48, passkey: false })]).unwrap();
        assert_eq!(change(world, adam, rules).await.unwrap(), Applied::AfterConfirmation);
        let mut raw = Raw::of(world).await;
        raw.run("update rules_proposal set body = '[]'").await.unwrap();
        let request = waiting(world, &abe).await.remove(0);
        let altered = confirm(world, &abe, &request).await;
        assert!(matches!(altered, Err(Error::Corrupt(_))), "{altered:?}");
        assert_eq!(version(world).await, 1);
    }

    async fn d_05_every_version_stays_readable(world) {
        let acme = &world.acme;
        change(world, &acme.adam, stricter()).await.unwrap();
        change(world, &acme.console, Rules::default()).await.unwrap();
        let mut read = world.store.read(&acme.vera).await.unwrap();
        let rows = read.rules_versions(None, 50).await.unwrap();
        let authors: Vec<_> = rows.iter().map(|row| (row.version, row.author.clone())).collect();
        assert_eq!(authors, [(3, None), (2, Some(acme.adam.name.clone())), (1, None)]);
        assert_eq!(read.rules_versions(Some(2), 50).await.unwrap().len(), 1);
        assert_eq!(read.rules_version(2).await.unwrap().rules, stricter());
        assert_eq!(read.rules_version(1).await.unwrap().rules, Rules::default());
        for missing in [0, 4, -1, i64::MAX] {
            let found = read.rules_version(missing).await;
            assert!(matches!(found, Err(Error::NotFound)), "{missing}: {found:?}");
        }
    }

    async fn d_05_rules_see_organization_submitter_label_and_hour(world) {
        let acme = &world.acme;
        let refuse = |name: &str| Rule::new(name, Verdict::Refuse);
        let hour = u8::try_from(world.now().seconds() / 3600 % 24).unwrap();
        let hours = |from| Some(Hours { from: from % 24, to: (from + 1) % 24, zone: "UTC".parse().unwrap() });
        let labels = Labels::parse("env=prod").unwrap();
        for (rule, meets, label, name) in [
            (Rule { organizations: vec![acme.ops], ..refuse("r") }, true, "env=test", "organization"),
            (Rule { organizations: vec![acme.lab], ..refuse("r") }, false, "env=test", "another organization"),
            (Rule { submitters: vec![id(&acme.mia)], ..refuse("r") }, true, "env=test", "submitter"),
            (Rule { submitters: vec![id(&acme.olga)], ..refuse("r") }, false, "env=test", "another submitter"),
            (Rule { labels: labels.clone(), ..refuse("r") }, true, "env=prod", "label"),
            (Rule { labels, ..refuse("r") }, false, "env=test", "another label"),
            (Rule { hours: hours(hour), ..refuse("r") }, true, "env=test", "hour"),
            (Rule { hours: hours(hour + 2), ..refuse("r") }, false, "env=test", "another hour"),
        ] {
            let rules = [vec![rule], Rules::default().iter().cloned().collect()].concat();
            change(world, &acme.console, Rules::new(rules).unwrap()).await.unwrap();
            let (_, value) = label.split_once('=').unwrap();
            let made = world.submit(&acme.mia, task(acme.ops, json!({ "labels": { "env": value } }))).await;
            assert_eq!(made.state, if meets { TaskState::Denied } else { TaskState::Queued }, "{name}");
        }
    }

    async fn m_12_a_label_that_is_left_out_brings_no_task_past_the_rules(world) {
        let acme = &world.acme;
        let labeled = Rule { labels: Labels::parse("env=test").unwrap(), ..Rule::new("test", DEFAULT_VERDICT) };
        let open = Rule { networks: vec![NetworkPolicy::Unrestricted], ..Rule::new("open", Verdict::Refuse) };
        let rules = [vec![labeled, open], Rules::default().iter().cloned().collect()].concat();
        change(world, &acme.console, Rules::new(rules).unwrap()).await.unwrap();
        let state = async |labels: serde_json::Value, network: &str| {
            let form = json!({ "labels": labels, "network_policy": network });
            world.submit(&acme.mia, task(acme.ops, form)).await.state
        };
        assert_eq!(state(json!({ "env": "test" }), "isolated").await, TaskState::AwaitingApproval);
        assert_eq!(state(json!({}), "isolated").await, TaskState::Queued);
        assert_eq!(state(json!({ "env": "test" }), "unrestricted").await, TaskState::Denied, "the later rule counts");
    }

    async fn d_05_past_tasks_are_those_of_the_time_that_the_actor_sees(world) {
        let acme = &world.acme;
        let old = world.submit(&acme.mia, needs_approval(acme.ops)).await.id;
        world.wait(Duration::from_hours(10));
        let since = world.now();
        let form = json!({ "labels": { "env": "prod" }, "network_policy": "unrestricted" });
        let new = world.submit(&acme.mia, task(acme.ops, form)).await.id;
        let mut read = world.store.read(&acme.adam).await.unwrap();
        let tasks = read.past_tasks(since).await.unwrap();
        assert_eq!(tasks.iter().map(|task| task.id).collect::<Vec<_>>(), [new]);
        let facts = tasks[0].facts();
        assert_eq!((facts.organization, facts.submitter, facts.at), (acme.ops, id(&acme.mia), since));
        assert!(facts.labels.include(&Labels::parse("env=prod").unwrap()) && facts.network == NetworkPolicy::Unrestricted);
        let all = read.past_tasks(Timestamp(0)).await.unwrap();
        assert_eq!(all.iter().map(|task| task.id).collect::<Vec<_>>(), [new, old]);
        let mut stranger = world.store.read(&acme.sam).await.unwrap();
        assert!(stranger.past_tasks(Timestamp(0)).await.unwrap().is_empty());
    }
}
