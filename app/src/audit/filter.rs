//! Audit log filter, parsed from the query string.
use crate::ui::Address;
use domain::{Timestamp, audit::Outcome};
use store::AuditFilter;

/// Parses the filter and ignores invalid values. Days are in UTC, both included.
pub fn parse(here: &Address) -> AuditFilter {
    let text = |name: &str| here.get(name).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let day = |name: &str, clock: &str| Timestamp::parse(&format!("{}T{clock}Z", here.get(name)?));
    AuditFilter {
        action: text("action"),
        person: here.get("person").and_then(|id| id.parse().ok()),
        target: text("target"),
        outcome: Outcome::ALL.into_iter().find(|outcome| here.get("outcome") == Some(outcome.as_str())),
        event: here.get("event").and_then(|event| event.parse().ok()),
        since: day("since", "00:00:00"),
        until: day("until", "23:59:59.999999"),
    }
}

/// Returns whether the filter excludes anything.
pub fn is_active(filter: &AuditFilter) -> bool {
    let AuditFilter { action, person, target, outcome, event, since, until } = filter;
    let texts = action.is_some() || target.is_some();
    texts || outcome.is_some() || person.is_some() || event.is_some() || since.is_some() || until.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_days_are_included() {
        let filter = parse(&Address::new("/audit").with("since", "2026-03-01").with("until", "2026-03-01"));
        let day = filter.until.unwrap().since(filter.since.unwrap());
        assert_eq!(day.as_micros(), 86_400_000_000 - 1);
    }

    #[test]
    fn invalid_values_are_ignored() {
        let here = Address::new("/audit")
            .with("since", "yesterday")
            .with("outcome", "well")
            .with("event", "anything")
            .with("person", "ada")
            .with("action", " ");
        assert!(!is_active(&parse(&here)));
    }
}
