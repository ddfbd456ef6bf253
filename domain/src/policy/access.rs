//! What is done with what opens doors: keys, sessions, runners.
use super::{Action, admin, when};
use crate::{Actor, EnrolmentId, KeyId, PersonId, Principal, RunnerId, SessionId, Timestamp, scope::Scopes};
use serde_json::{Value, json};

actions! {
    /// Makes an API key for oneself.
    CreateKey = "key.create" on "person" (|a| a.owner.to_string()) {
        /// Whose key.
        owner: PersonId,
        /// What people call it.
        name: String,
        /// What it may do.
        scopes: Scopes,
        /// When it stops working, if ever.
        expires_at: Option<Timestamp>,
    } if |a, actor| {
        let console = actor.principal == Principal::Console;
        when(console || actor.person() == Some(a.owner), "Keys are made by the person who uses them.")
    }, detail |a| json!({ "name": a.name, "scopes": a.scopes, "expires_at": a.expires_at }), fresh true;

    /// Revokes an API key.
    RevokeKey = "key.revoke" on "key" (|a| a.key.to_string()) {
        /// Which.
        key: KeyId,
        /// Whose it is.
        owner: PersonId,
    } if |a, actor| {
        when(actor.is_admin() || actor.person() == Some(a.owner), "Only its owner or an admin may revoke a key.")
    }, fresh true;

    /// Ends one session of one's own.
    EndSession = "session.end" on "session" (|a| a.session.to_string()) {
        /// Which.
        session: SessionId,
        /// Whose it is.
        owner: PersonId,
    } if |a, actor| when(actor.person() == Some(a.owner), "Only your own sessions.");

    /// Ends all sessions of one's own but the one in use.
    EndOtherSessions = "session.end_others" on "person" (|a| a.owner.to_string()) {
        /// Whose they are.
        owner: PersonId,
    } if |a, actor| when(actor.person() == Some(a.owner), "Only your own sessions.");

    /// Makes a one-time token that enrols a runner (S-01).
    CreateEnrolment = "runner.enrolment" on "enrolment" (|a| a.enrolment.to_string()) {
        /// The token's id.
        enrolment: EnrolmentId,
        /// What the runner will be called: 1 to 63 of a-z, 0-9 and hyphen.
        name: String,
    } if |_, actor| admin(actor), detail |a| json!({ "name": a.name }), fresh true;

    /// Revokes a runner: its certificate counts no more.
    RevokeRunner = "runner.revoke" on "runner" (|a| a.runner.to_string()) {
        /// Which.
        runner: RunnerId,
    } if |_, actor| admin(actor), fresh true;
}
