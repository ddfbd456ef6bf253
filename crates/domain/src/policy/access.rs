//! Credential actions: API keys, browser sessions, runners, and access reports.
use super::{Action, DenialReason, require, require_admin, require_manager};
use crate::{
    Actor, BrowserSessionId, EnrollmentId, KeyId, Networks, OrganizationId, PersonId, Principal, RunnerId, Timestamp,
    access::Resource, scope::Scopes,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Requires that the actor manages keys of `owner`: the person themselves, the console, and for a service account its
/// responsible person or an admin. The store checks `responsible` against the owner's record.
fn require_key_owner(actor: &Actor, owner: PersonId, responsible: Option<PersonId>) -> Result<(), DenialReason> {
    let own = actor.principal == Principal::Console || actor.person() == Some(owner);
    let answers = responsible.is_some_and(|person| actor.is_admin() || actor.person() == Some(person));
    require(own || answers, DenialReason::KeyOwnerOnly)
}

fn require_key_revoker(actor: &Actor, owner: PersonId, responsible: Option<PersonId>) -> Result<(), DenialReason> {
    require(actor.is_admin() || require_key_owner(actor, owner, responsible).is_ok(), DenialReason::KeyRevokerOnly)
}

/// A change of a key's expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyExpiryChange {
    /// The expiry is unchanged.
    Kept,
    /// The key does not expire.
    Never,
    At(Timestamp),
}

actions! {
    /// Creates an API key for the actor, or for a service account that the actor is responsible for.
    CreateKey = "key.create" on "person" (|a| a.owner.to_string()) {
        owner: PersonId,
        name: String,
        scopes: Scopes,
        /// The expiry; `None` if the key does not expire.
        expires_at: Option<Timestamp>,
        /// The only organization that the key can reach; `None` for all of the owner's.
        organization: Option<OrganizationId>,
        /// Allowed networks; empty means any.
        networks: Networks,
        /// The responsible person, if the owner is a service account.
        responsible: Option<PersonId>,
    } if |a, actor| require_key_owner(actor, a.owner, a.responsible),
      detail |a| json!({
        "name": a.name, "scopes": a.scopes, "expires_at": a.expires_at, "organization": a.organization,
        "networks": a.networks,
    }), step_up true;

    /// Changes the name, the allowed networks and the expiry of a key.
    ChangeKey = "key.change" on "key" (|a| a.key.to_string()) {
        key: KeyId,
        owner: PersonId,
        /// The responsible person, if the owner is a service account.
        responsible: Option<PersonId>,
        name: String,
        /// Allowed networks; empty means any.
        networks: Networks,
        end: KeyExpiryChange,
    } if |a, actor| {
        let may = require_key_revoker(actor, a.owner, a.responsible).is_ok();
        require(may, DenialReason::KeyEditorOnly)
    }, detail |a| json!({ "name": a.name, "networks": a.networks }), step_up true;

    /// Replaces a key; the old one keeps working during the overlap.
    RotateKey = "key.rotate" on "key" (|a| a.key.to_string()) {
        key: KeyId,
        owner: PersonId,
        /// The responsible person, if the owner is a service account.
        responsible: Option<PersonId>,
        /// How long both keys work.
        overlap: Duration,
    } if |a, actor| require_key_owner(actor, a.owner, a.responsible),
      detail |a| json!({ "overlap_seconds": a.overlap.as_secs() }), step_up true;

    /// Revokes all keys of a person or service account.
    RevokeKeysOf = "key.revoke_all" on "person" (|a| a.owner.to_string()) {
        owner: PersonId,
        /// The responsible person, if the owner is a service account.
        responsible: Option<PersonId>,
    } if |a, actor| require_key_revoker(actor, a.owner, a.responsible), while_frozen true;

    RevokeKey = "key.revoke" on "key" (|a| a.key.to_string()) {
        key: KeyId,
        owner: PersonId,
        /// The responsible person, if the owner is a service account.
        responsible: Option<PersonId>,
    } if |a, actor| require_key_revoker(actor, a.owner, a.responsible), while_frozen true;

    /// Ends one of the actor's own sessions.
    EndBrowserSession = "browser_session.end" on "browser_session" (|a| a.session.to_string()) {
        session: BrowserSessionId,
        owner: PersonId,
    } if |a, actor| require(actor.person() == Some(a.owner), DenialReason::OwnSessionOnly), while_frozen true;

    /// Ends all of the actor's own sessions except the current one.
    EndOtherBrowserSessions = "browser_session.end_others" on "person" (|a| a.owner.to_string()) {
        owner: PersonId,
    } if |a, actor| require(actor.person() == Some(a.owner), DenialReason::OwnSessionOnly), while_frozen true;

    /// Reads who can reach a resource that the actor can see.
    ReadAccess = "access.read" on "tenant" (|_| String::new()) {
        resource: Resource,
    } if |a, actor| {
        // A former member does not learn who the members are.
        let own = matches!(a.resource, Resource::Task(_, sight, ..)
            if actor.person() == Some(sight.owner) && actor.role_in(sight.organization).is_some())
            || matches!(a.resource, Resource::ServiceAccount(_, responsible) if actor.person() == Some(responsible));
        let is_manager = a.resource.organization().is_some_and(|id| require_manager(actor, id).is_ok());
        let otherwise = DenialReason::AccessReaderOnly;
        require(own || is_manager || actor.can_read_everything(), otherwise)
    };

    /// Creates a one-time enrollment token for a runner (S-01).
    CreateEnrollment = "runner.enrollment" on "enrollment" (|a| a.enrollment.to_string()) {
        enrollment: EnrollmentId,
        /// The name of the runner: 1 to 63 of a-z, 0-9 and hyphen.
        name: String,
    } if |_, actor| require_admin(actor), detail |a| json!({ "name": a.name }), step_up true;

    /// Revokes a runner and its certificate.
    RevokeRunner = "runner.revoke" on "runner" (|a| a.runner.to_string()) {
        runner: RunnerId,
    } if |_, actor| require_admin(actor), step_up true, while_frozen true;
}
