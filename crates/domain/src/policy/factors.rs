//! What is done with the proofs of who somebody is: their password, their address, their second factors.
use super::{Action, require_admin, require};
use crate::{Actor, Email, PersonId, account::Factor};
use serde_json::{Value, json};

const OWN: &str = "Only for your own account.";

actions! {
    /// Sets up a second factor for oneself.
    EnrollFactor = "factor.enroll" on "person" (|a| a.owner.to_string()) {
        /// Whose.
        owner: PersonId,
        /// Which kind.
        factor: Factor,
    } if |a, actor| require(actor.person() == Some(a.owner), OWN), detail |a| json!({ "factor": a.factor }), step_up true, while_frozen true;

    /// Removes one of one's own second factors.
    RemoveFactor = "factor.remove" on "person" (|a| a.owner.to_string()) {
        /// Whose.
        owner: PersonId,
        /// Which kind.
        factor: Factor,
    } if |a, actor| require(actor.person() == Some(a.owner), OWN), detail |a| json!({ "factor": a.factor }), step_up true, while_frozen true;

    /// Makes new recovery codes for oneself; those before are void.
    MakeRecoveryCodes = "factor.recovery_codes" on "person" (|a| a.owner.to_string()) {
        /// Whose.
        owner: PersonId,
    } if |a, actor| require(actor.person() == Some(a.owner), OWN), step_up true, while_frozen true;

    /// Removes all second factors of somebody who lost them, and ends their sessions.
    ResetFactors = "person.reset_factors" on "person" (|a| a.person.to_string()) {
        /// Whose.
        person: PersonId,
    } if |a, actor| {
        require_admin(actor)?;
        require(actor.person() != Some(a.person), "Another admin must reset your own second factors.")
    }, step_up true;

    /// Says whether everybody in the tenant must show a second factor.
    SetFactorPolicy = "tenant.factor_policy" on "tenant" (|_| String::new()) {
        /// Everybody; else admins, as the deployment is set up.
        everybody: bool,
    } if |_, actor| require_admin(actor), detail |a| json!({ "everybody": a.everybody }), step_up true;

    /// Changes one's own password; the old one is the proof.
    ChangePassword = "person.password" on "person" (|a| a.owner.to_string()) {
        /// Whose.
        owner: PersonId,
    } if |a, actor| require(actor.person() == Some(a.owner), OWN);

    /// Asks for another address for somebody who reads their present one no more. Whoever reads the new one confirms it.
    ReplaceAddress = "person.replace_address" on "person" (|a| a.person.to_string()) {
        /// Whose.
        person: PersonId,
        /// Which one.
        email: Email,
    } if |a, actor| {
        require_admin(actor)?;
        require(actor.person() != Some(a.person), "Another admin must replace your own address.")
    }, personal |a| json!({ "email": a.email }), step_up true;

    /// Asks for another address for oneself.
    ChangeAddress = "person.address" on "person" (|a| a.owner.to_string()) {
        /// Whose.
        owner: PersonId,
    } if |a, actor| require(actor.person() == Some(a.owner), OWN), step_up true;
}
