//! Parsing of the submission form of a task.
use domain::{Actor, Invalid, OrganizationId, request::InputDigest, task::Submission};
use std::str::FromStr;

/// Returns the organization of a submitted form, or the actor's only one.
pub fn organization_for(actor: &Actor, text: &str) -> Result<OrganizationId, Invalid> {
    let mut mine = actor.roles.keys().copied().filter(|id| actor.can_submit_in(*id));
    let wrong = || Invalid::new("organization", t!("task-organization-choose"));
    match (text, mine.next(), mine.next()) {
        ("", Some(only), None) => Ok(only),
        _ => text.parse().map_err(|_| wrong()),
    }
}

/// Parses a field with a default.
pub fn value<T: FromStr<Err = Invalid>>(field: &str, text: &str, default: T) -> Result<T, Invalid> {
    match text {
        "" => Ok(default),
        _ => text.parse().map_err(|wrong: Invalid| Invalid::new(field, wrong.reason)),
    }
}

/// Parses an optional number.
pub fn limit(field: &str, text: &str) -> Result<Option<u32>, Invalid> {
    match text.trim() {
        "" => Ok(None),
        digits => digits.parse().map(Some).map_err(|_| Invalid::new(field, t!("task-limit-number"))),
    }
}

/// Resubmitting a form with the same content is the same task; changed content is another one.
pub fn idempotency_key(once: &str, submission: &Submission) -> Option<String> {
    let content = serde_json::to_vec(&(once, submission)).ok()?;
    (!once.is_empty()).then(|| format!("form-{}", InputDigest::of(&content)))
}
