//! Parsing of the submission form of a task.
use crate::{
    outcome::{Kind, Refusal},
    ui::ctx,
};
use domain::{
    Actor, Invalid, OrganizationId, PersonId,
    request::InputDigest,
    rule::Rules,
    task::{Submission, SubmissionForm},
};
use std::str::FromStr;

/// The fields in the order of the form, in which their errors are listed.
const FIELDS: [&str; 14] = [
    "script",
    "title",
    "purpose",
    "ticket",
    "organization",
    "network_policy",
    "visibility",
    "timeout_seconds",
    "memory_mib",
    "cpu_millis",
    "processes",
    "disk_mib",
    "labels",
    "priority",
];

/// The errors of a form's fields, collected so that all are shown at once.
#[derive(Default)]
pub struct Fields(Vec<Invalid>);

impl Fields {
    /// Parses a field with a default, which also replaces an invalid value.
    pub fn value<T: FromStr<Err = Invalid>>(&mut self, field: &str, text: &str, default: T) -> T {
        match text.parse() {
            Ok(value) => value,
            Err(_) if text.is_empty() => default,
            Err(Invalid { reason, .. }) => {
                self.0.push(Invalid::new(field, reason));
                default
            }
        }
    }

    /// Returns the value of a field, or the default of its type after an error.
    pub fn check<T: Default>(&mut self, value: Result<T, Invalid>) -> T {
        value.unwrap_or_else(|invalid| {
            self.0.push(invalid);
            T::default()
        })
    }

    /// Returns the submission.
    ///
    /// # Errors
    /// Fails with the errors of all fields, and with what the rules require beyond them.
    pub fn accept(self, form: SubmissionForm, rules: &Rules, submitter: PersonId) -> Result<Submission, Refusal> {
        let Self(mut errors) = self;
        for invalid in form.errors() {
            if errors.iter().all(|known| known.field != invalid.field) {
                errors.push(invalid);
            }
        }
        let organization = form.organization.filter(|_| errors.is_empty());
        if let Some(organization) = organization {
            let submission = form.check(organization)?;
            errors = rules.missing(&submission, submitter, ctx::now());
            if errors.is_empty() {
                return Ok(submission);
            }
        }
        errors.sort_by_key(|invalid| FIELDS.iter().position(|field| *field == invalid.field));
        Err(Refusal { fields: errors, ..Refusal::new(Kind::Invalid, t!("refused-fields")) })
    }
}

/// Returns the organization of a submitted form, or the actor's only one.
pub fn organization_for(actor: &Actor, text: &str) -> Result<OrganizationId, Invalid> {
    let mut mine = actor.roles.keys().copied().filter(|id| actor.can_submit_in(*id));
    let wrong = || Invalid::new("organization", t!("task-organization-choose"));
    match (text, mine.next(), mine.next()) {
        ("", Some(only), None) => Ok(only),
        _ => text.parse().map_err(|_| wrong()),
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
