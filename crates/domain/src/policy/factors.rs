//! Authentication actions: passwords, addresses, second factors.
use super::{Action, DenialReason, require, require_admin};
use crate::{Actor, Email, PersonId, account::Factor};
use serde_json::{Value, json};

actions! {
    /// Enrolls a second factor for the actor.
    EnrollFactor = "factor.enroll" on "person" (|a| a.owner.to_string()) {
        owner: PersonId,
        factor: Factor,
    } if |a, actor| require(actor.person() == Some(a.owner), DenialReason::OwnAccountOnly), detail |a| json!({ "factor": a.factor }), step_up true, while_frozen true;

    /// Signs one of the actor's own passkeys with another one, so that runners that trust the other one trust it, too (X19).
    SignPasskey = "factor.sign_passkey" on "person" (|a| a.owner.to_string()) {
        owner: PersonId,
    } if |a, actor| require(actor.person() == Some(a.owner), DenialReason::OwnAccountOnly), step_up true;

    /// Removes one of the actor's own second factors.
    RemoveFactor = "factor.remove" on "person" (|a| a.owner.to_string()) {
        owner: PersonId,
        factor: Factor,
    } if |a, actor| require(actor.person() == Some(a.owner), DenialReason::OwnAccountOnly), detail |a| json!({ "factor": a.factor }), step_up true, while_frozen true;

    /// Generates new recovery codes for the actor and invalidates the old ones.
    MakeRecoveryCodes = "factor.recovery_codes" on "person" (|a| a.owner.to_string()) {
        owner: PersonId,
    } if |a, actor| require(actor.person() == Some(a.owner), DenialReason::OwnAccountOnly), step_up true, while_frozen true;

    /// Removes all second factors of a person who lost them, and ends their sessions.
    ResetFactors = "person.reset_factors" on "person" (|a| a.person.to_string()) {
        person: PersonId,
    } if |a, actor| {
        require_admin(actor)?;
        require(actor.person() != Some(a.person), DenialReason::OwnFactorReset)
    }, step_up true;

    /// Sets who needs a second factor in the tenant.
    SetFactorPolicy = "tenant.factor_policy" on "tenant" (|_| String::new()) {
        /// Everyone; otherwise only admins, if the deployment requires it.
        everybody: bool,
    } if |_, actor| require_admin(actor), detail |a| json!({ "everybody": a.everybody }), step_up true;

    /// Changes the actor's own password; the old password is the proof of identity.
    ChangePassword = "person.password" on "person" (|a| a.owner.to_string()) {
        owner: PersonId,
    } if |a, actor| require(actor.person() == Some(a.owner), DenialReason::OwnAccountOnly);

    /// Requests a new email address for a person who cannot read mail at the current one. The change takes effect when
    /// the new address is confirmed.
    ReplaceAddress = "person.replace_address" on "person" (|a| a.person.to_string()) {
        person: PersonId,
        email: Email,
    } if |a, actor| {
        require_admin(actor)?;
        require(actor.person() != Some(a.person), DenialReason::OwnAddressReplacement)
    }, personal |a| json!({ "email": a.email }), step_up true;

    /// Requests a new email address for the actor.
    ChangeAddress = "person.address" on "person" (|a| a.owner.to_string()) {
        owner: PersonId,
    } if |a, actor| require(actor.person() == Some(a.owner), DenialReason::OwnAccountOnly), step_up true;
}
