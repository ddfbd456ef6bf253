//! The filter of the task list, as the query string holds it.
use crate::ui::Address;
use store::TaskFilter;

/// Parses the filter and ignores invalid values.
pub fn parse(here: &Address) -> TaskFilter {
    TaskFilter {
        states: here.get("state").and_then(|word| word.parse().ok()).into_iter().collect(),
        organization: here.get("organization").and_then(|id| id.parse().ok()),
        mine: here.get("mine").is_some(),
        label: here.get("label").and_then(parse_label),
        text: here.get("text").map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned),
    }
}

/// Returns whether the filter excludes anything.
pub fn is_active(filter: &TaskFilter) -> bool {
    let TaskFilter { states, organization, mine, label, text } = filter;
    !states.is_empty() || organization.is_some() || *mine || label.is_some() || text.is_some()
}

/// Returns whether the label has no `=`: then the list is not filtered by it.
pub fn has_invalid_label(here: &Address) -> bool {
    here.get("label").is_some_and(|label| parse_label(label).is_none())
}

fn parse_label(text: &str) -> Option<(String, String)> {
    let (key, value) = text.split_once('=')?;
    Some((key.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::task::TaskState;

    #[test]
    fn a_filter_is_read_from_the_query() {
        let here = Address::new("/tasks").with("state", "running").with("label", "env = prod").with("mine", "1");
        let filter = parse(&here);
        assert_eq!(filter.states, [TaskState::Running]);
        assert_eq!(filter.label, Some(("env".into(), "prod".into())));
        assert!(filter.mine && is_active(&filter));
    }

    #[test]
    fn invalid_values_are_ignored() {
        let here = Address::new("/tasks")
            .with("state", "asleep")
            .with("label", "prod")
            .with("organization", "x")
            .with("text", " ");
        assert!(!is_active(&parse(&here)) && has_invalid_label(&here));
        assert!(!has_invalid_label(&Address::new("/tasks").with("label", "env=prod")));
    }
}
