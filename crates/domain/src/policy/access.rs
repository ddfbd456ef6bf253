//! What is done with what opens doors: keys, sessions, runners.
use super::{Action, require_admin, require_manager, require};
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
    require(own || answers, "Keys are made by the person who uses them, or who answers for the service account.")
}

fn revokes_keys(actor: &Actor, owner: PersonId, responsible: Option<PersonId>) -> Result<(), &'static str> {
    require(
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
    }), step_up true;

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
        require(may, "Only its owner or an admin may change a key.")
    }, detail |a| json!({ "name": a.name, "networks": a.networks }), step_up true;

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
      detail |a| json!({ "overlap_seconds": a.overlap.as_secs() }), step_up true;

    /// Revokes all keys of somebody.
    RevokeKeysOf = "key.revoke_all" on "person" (|a| a.owner.to_string()) {
        /// Whose they are.
        owner: PersonId,
        /// Who answers for the owner, if that is a service account.
        responsible: Option<PersonId>,
    } if |a, actor| revokes_keys(actor, a.owner, a.responsible), while_frozen true;

    /// Revokes an API key.
    RevokeKey = "key.revoke" on "key" (|a| a.key.to_string()) {
        /// Which.
        key: KeyId,
        /// Whose it is.
        owner: PersonId,
        /// Who answers for the owner, if that is a service account.
        responsible: Option<PersonId>,
    } if |a, actor| revokes_keys(actor, a.owner, a.responsible), while_frozen true;

    /// Ends one session of one's own.
    EndBrowserSession = "browser_session.end" on "browser_session" (|a| a.session.to_string()) {
        /// Which.
        session: BrowserSessionId,
        /// Whose it is.
        owner: PersonId,
    } if |a, actor| require(actor.person() == Some(a.owner), "Only your own sessions."), while_frozen true;

    /// Ends all sessions of one's own but the one in use.
    EndOtherBrowserSessions = "browser_session.end_others" on "person" (|a| a.owner.to_string()) {
        /// Whose they are.
        owner: PersonId,
    } if |a, actor| require(actor.person() == Some(a.owner), "Only your own sessions."), while_frozen true;

    /// Asks who can reach a thing that the actor sees.
    ReadAccess = "access.read" on "tenant" (|_| String::new()) {
        /// Which.
        thing: Thing,
    } if |a, actor| {
        // Who left the organization is not told who is in it.
        let own = matches!(a.thing, Thing::Task(_, sight, _)
            if actor.person() == Some(sight.owner) && actor.role_in(sight.organization).is_some())
            || matches!(a.thing, Thing::ServiceAccount(_, responsible) if actor.person() == Some(responsible));
        let is_manager = a.thing.organization().is_some_and(|id| require_manager(actor, id).is_ok());
        let otherwise = "Only its owner, an owner of its organization, an auditor or an admin may ask who can reach this.";
        require(own || is_manager || actor.reads_everything(), otherwise)
    };

    /// Makes a one-time token that enrolls a runner (S-01).
    CreateEnrollment = "runner.enrollment" on "enrollment" (|a| a.enrollment.to_string()) {
        /// The token's id.
        enrollment: EnrollmentId,
        /// What the runner will be called: 1 to 63 of a-z, 0-9 and hyphen.
        name: String,
    } if |_, actor| require_admin(actor), detail |a| json!({ "name": a.name }), step_up true;

    /// Revokes a runner: its certificate counts no more.
    RevokeRunner = "runner.revoke" on "runner" (|a| a.runner.to_string()) {
        /// Which.
        runner: RunnerId,
    } if |_, actor| require_admin(actor), step_up true, while_frozen true;
}
