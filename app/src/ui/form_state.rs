//! State of a submitted form: its values, its errors, and the ids of its fields.
use super::ctx;
use crate::outcome::{Answered, Kind, Refusal};
use domain::Invalid;
use parking_lot::Mutex;
use std::sync::Arc;

/// The state of a form: as submitted, or initial. Its fields find it in their context.
#[derive(Clone, Debug, Default)]
pub struct FormState {
    /// The prefix of all ids in the form.
    pub id: String,
    typed: Option<Vec<(String, String)>>,
    refusal: Option<Refusal>,
    /// Names and labels of the fields, collected as they render, for the error summary.
    labels: Arc<Mutex<Vec<(String, String)>>>,
}

impl FormState {
    /// Returns the state of the form of `action` with these hidden fields.
    pub fn of(action: &str, hidden: &[(&'static str, String)]) -> Self {
        Self::from_answer(ctx::answered(), action, hidden)
    }

    fn from_answer(answered: Option<Answered>, action: &str, hidden: &[(&'static str, String)]) -> Self {
        let mut id = action.trim_matches('/').to_owned();
        for (_, value) in hidden {
            id.push('-');
            id.push_str(value);
        }
        let same = |answered: &Answered| {
            let sent = |(name, value): &(&str, String)| answered.values.iter().any(|(n, v)| n == name && v == value);
            answered.action == action && hidden.iter().all(sent)
        };
        let refused = answered
            .filter(same)
            .filter(|answered| !needs_proof(answered))
            .and_then(|answered| Some((answered.values, answered.result.err()?)));
        let (typed, refusal) = refused.unzip();
        Self { id: id_part(&id), typed, refusal, labels: Arc::default() }
    }

    pub const fn refused(&self) -> bool {
        self.refusal.is_some()
    }

    /// Returns the submitted value of a field, if the form was refused.
    pub fn typed(&self, name: &str) -> Option<&str> {
        let typed = self.typed.as_ref()?;
        typed.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Returns whether a checkbox is ticked: as submitted, otherwise `initial`.
    pub fn ticked(&self, name: &str, value: &str, initial: bool) -> bool {
        self.typed.as_ref().map_or(initial, |typed| typed.iter().any(|(n, v)| n == name && v == value))
    }

    /// Returns the error of a field as a sentence.
    pub fn error(&self, name: &str) -> Option<String> {
        let refusal = self.refusal.as_ref()?;
        refusal.fields.iter().find(|invalid| invalid.field == name).map(|invalid| sentence(&invalid.reason))
    }

    pub fn id_of(&self, name: &str) -> String {
        format!("{}-{}", self.id, id_part(name))
    }

    /// Registers a field, so that the error summary can link to it.
    pub fn register(&self, name: &str, label: &str) {
        let mut labels = self.labels.lock();
        labels.push((name.to_owned(), label.to_owned()));
    }

    /// Returns the refusal's message if no field is invalid, and each invalid field, with a link if it is on the page.
    pub(super) fn problems(&self) -> Option<(Option<String>, Vec<Problem>)> {
        let refusal = self.refusal.as_ref()?;
        let labels = self.labels.lock();
        let problem = |invalid: &Invalid| {
            let label = labels.iter().find(|(name, _)| *name == invalid.field).map(|(_, label)| label.clone());
            let href = label.is_some().then(|| format!("#{}", self.id_of(&invalid.field)));
            let text = match label {
                Some(label) => format!("{label}: {}", invalid.reason),
                None => sentence(&invalid.reason), // fields that are not on the page have no label
            };
            Problem { href, text }
        };
        let problems: Vec<_> = refusal.fields.iter().map(problem).collect();
        Some((problems.is_empty().then(|| refusal.message.clone()), problems))
    }
}

/// Returns whether the form is valid and only step-up authentication is missing.
fn needs_proof(answered: &Answered) -> bool {
    matches!(&answered.result, Err(refusal) if refusal.kind == Kind::Stale)
}

/// A line of the error summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// A link to the field, if it is on the page.
    pub href: Option<String>,
    /// The label and the error.
    pub text: String,
}

/// Replaces everything but letters, digits and hyphens, so that the text can be part of an id.
fn id_part(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str().trim_end_matches('.')),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::RefusalShown;

    fn answered(id: &str) -> Option<Answered> {
        let fields =
            vec![Invalid::new("name", "must be 1 to 80 visible characters"), Invalid::new("rules", "at most 50")];
        Some(Answered {
            action: "/actions/keys/revoke".into(),
            values: vec![("id".into(), id.into()), ("name".into(), "CI".into()), ("scope".into(), "a".into())],
            result: Err(Refusal { kind: Kind::Invalid, message: "no".into(), fields, wait: None }),
            refusal_shown: RefusalShown::default(),
        })
    }

    #[test]
    fn only_the_submitted_form_of_an_action_shows_errors() {
        let form = |id: &str| FormState::from_answer(answered("1"), "/actions/keys/revoke", &[("id", id.to_owned())]);
        assert!(form("1").refused() && !form("2").refused());
        assert!(!FormState::from_answer(answered("1"), "/actions/keys/create", &[]).refused());
    }

    #[test]
    fn submitted_values_are_kept_after_an_error() {
        let form = FormState::from_answer(answered("1"), "/actions/keys/revoke", &[]);
        assert_eq!(form.typed("name"), Some("CI"));
        assert!(form.ticked("scope", "a", false) && !form.ticked("scope", "b", true));
        assert!(FormState::default().ticked("scope", "b", true));
    }

    #[test]
    fn the_error_summary_links_to_fields_on_the_page() {
        let form = FormState::from_answer(answered("1"), "/actions/keys/revoke", &[]);
        form.register("name", "Name");
        let (message, problems) = form.problems().unwrap();
        assert_eq!(message, None);
        let first = Problem {
            href: Some("#actions-keys-revoke-name".into()),
            text: "Name: must be 1 to 80 visible characters".into(),
        };
        assert_eq!(problems, [first, Problem { href: None, text: "At most 50.".into() }]);
        assert_eq!(form.error("name").unwrap(), "Must be 1 to 80 visible characters.");
    }
}
