//! What is done with what opens doors: keys, sessions, runners.
use super::{Action, admin, manages, when};
use crate::{
    Actor, BrowserSessionId, EnrollmentId, KeyId, Networks, OrganizationId, PersonId, Principal, RunnerId, Timestamp,
    access::Thing, scope::Scopes,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Whether the actor makes keys for `owner`: themselves, the console, and for a service account whoever answers for it
/// or an admin. The store holds `responsible` against what it knows of the owner.
fn keeps_keys(actor: &Actor, owner: PersonId, responsible: Option<PersonId>) -> Result<(), &'static str> {
    let own = actor.principal == Principal::Console || actor.person() == Some(owner);
    let answers = responsible.is_some_and(|person| actor.is_admin() || actor.person() == Some(person));
    when(own || answers, "Keys are made by the person who uses them, or who answers for the service account.")
}

fn revokes_keys(actor: &Actor, owner: PersonId, responsible: Option<PersonId>) -> Result<(), &'static str> {
    when(
        actor.is_admin() || keeps_keys(actor, owner, responsible).is_ok(),
        "Only its owner or an admin may revoke a key.",
    )
}

/// Until when a key works from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEnd {
    /// As long as it did.
    Kept,
    /// Until it is revoked.
    Never,
    /// Until then.
    At(Timestamp),
}

actions! {
    /// Makes an API key for oneself, or for a service account that one answers for.
    CreateKey = "key.create" on "person" (|a| a.owner.to_string()) {
        /// Whose key.
        owner: PersonId,
        /// What people call it.
        name: String,
        /// What it may do.
        scopes: Scopes,
        /// When it stops working, if ever.
        expires_at: Option<Timestamp>,
        /// The one organization that it is for.
        organization: Option<OrganizationId>,
        /// Where from it works; anywhere, if empty.
        networks: Networks,
        /// Who answers for the owner, if that is a service account.
        responsible: Option<PersonId>,
    } if |a, actor| keeps_keys(actor, a.owner, a.responsible),
      detail |a| json!({
        "name": a.name, "scopes": a.scopes, "expires_at": a.expires_at, "organization": a.organization,
        "networks": a.networks,
    }), fresh true;

    /// Changes what a key is called, where from it works, and until when.
    ChangeKey = "key.change" on "key" (|a| a.key.to_string()) {
        /// Which.
        key: KeyId,
        /// Whose it is.
        owner: PersonId,
        /// Who answers for the owner, if that is a service account.
        responsible: Option<PersonId>,
        /// What people call it.
        name: String,
        /// Where from it works; anywhere, if empty.
        networks: Networks,
        /// Until when it works.
        end: KeyEnd,
    } if |a, actor| {
        let may = revokes_keys(actor, a.owner, a.responsible).is_ok();
        when(may, "Only its owner or an admin may change a key.")
    }, detail |a| json!({ "name": a.name, "networks": a.networks }), fresh true;

    /// Puts a new key in the place of one, which works for a while longer.
    RotateKey = "key.rotate" on "key" (|a| a.key.to_string()) {
        /// Which.
        key: KeyId,
        /// Whose it is.
        owner: PersonId,
        /// Who answers for the owner, if that is a service account.
        responsible: Option<PersonId>,
        /// How long both work.
        overlap: Duration,
    } if |a, actor| keeps_keys(actor, a.owner, a.responsible),
      detail |a| json!({ "overlap_seconds": a.overlap.as_secs() }), fresh true;

    /// Revokes all keys of somebody.
    RevokeKeysOf = "key.revoke_all" on "person" (|a| a.owner.to_string()) {
        /// Whose they are.
        owner: PersonId,
        /// Who answers for the owner, if that is a service account.
        responsible: Option<PersonId>,
    } if |a, actor| revokes_keys(actor, a.owner, a.responsible);

    /// Revokes an API key.
    RevokeKey = "key.revoke" on "key" (|a| a.key.to_string()) {
        /// Which.
        key: KeyId,
        /// Whose it is.
        owner: PersonId,
        /// Who answers for the owner, if that is a service account.
        responsible: Option<PersonId>,
    } if |a, actor| revokes_keys(actor, a.owner, a.responsible);

    /// Ends one session of one's own.
    EndBrowserSession = "browser_session.end" on "browser_session" (|a| a.session.to_string()) {
        /// Which.
        session: BrowserSessionId,
        /// Whose it is.
        owner: PersonId,
    } if |a, actor| when(actor.person() == Some(a.owner), "Only your own sessions.");

    /// Ends all sessions of one's own but the one in use.
    EndOtherBrowserSessions = "browser_session.end_others" on "person" (|a| a.owner.to_string()) {
        /// Whose they are.
        owner: PersonId,
    } if |a, actor| when(actor.person() == Some(a.owner), "Only your own sessions.");

    /// Asks who can reach a thing that the actor sees.
    ReadAccess = "access.read" on "tenant" (|_| String::new()) {
        /// Which.
        thing: Thing,
    } if |a, actor| {
        // Who left the organization is not told who is in it.
        let own = matches!(a.thing, Thing::Task(_, sight, _)
            if actor.person() == Some(sight.owner) && actor.role_in(sight.organization).is_some())
            || matches!(a.thing, Thing::ServiceAccount(_, responsible) if actor.person() == Some(responsible));
        let manages = a.thing.organization().is_some_and(|id| manages(actor, id).is_ok());
        let why_not = "Only its owner, an owner of its organization, an auditor or an admin may ask who can reach this.";
        when(own || manages || actor.reads_everything(), why_not)
    };

    /// Makes a one-time token that enrolls a runner (S-01).
    CreateEnrollment = "runner.enrollment" on "enrollment" (|a| a.enrollment.to_string()) {
        /// The token's id.
        enrollment: EnrollmentId,
        /// What the runner will be called: 1 to 63 of a-z, 0-9 and hyphen.
        name: String,
    } if |_, actor| admin(actor), detail |a| json!({ "name": a.name }), fresh true;

    /// Revokes a runner: its certificate counts no more.
    RevokeRunner = "runner.revoke" on "runner" (|a| a.runner.to_string()) {
        /// Which.
        runner: RunnerId,
    } if |_, actor| admin(actor), fresh true;
}
