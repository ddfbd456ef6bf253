//! Draft rules. The rows are in the query string until they are saved, so that adding, removing and moving them needs no
//! JavaScript and changes nothing.
use crate::outcome::{Kind, Refusal};
use domain::{
    Invalid,
    rule::{Rule, Rules, Verdict},
};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// One rule, as a form submits it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// See [`domain::rule::Rule::name`].
    pub name: String,
    /// Values of [`domain::task::Tool`]; empty for all.
    #[serde(default)]
    pub tools: Vec<String>,
    /// Values of [`domain::network::NetworkPolicy`]; empty for all.
    #[serde(default)]
    pub networks: Vec<String>,
    /// A value of [`domain::rule::Effect`].
    pub effect: String,
    /// The number of required approvals, if the rule requires approval.
    #[serde(default)]
    pub approvers: String,
    /// The expiry of the approval request in hours.
    #[serde(default)]
    pub hours: String,
    /// `true` if each approval must be confirmed with a passkey.
    #[serde(default)]
    pub passkey: String,
    /// `true` if a submission must say why it should run.
    #[serde(default)]
    pub requires_purpose: String,
}

/// Returns the name of a row's field.
pub fn field(row: usize, name: &str) -> String {
    format!("rules[{row}][{name}]")
}

/// Returns the name of a row's checkboxes.
pub fn list(row: usize, name: &str) -> String {
    format!("rules[{row}][{name}][]")
}

impl From<&Rule> for Row {
    fn from(rule: &Rule) -> Self {
        let (effect, approvers, hours, passkey) = match rule.verdict {
            Verdict::Run => ("run", 1, 24, false),
            Verdict::Ask { approvers, hours, passkey } => ("ask", approvers, hours, passkey),
            Verdict::Refuse => ("refuse", 1, 24, false),
        };
        Self {
            name: rule.name.clone(),
            tools: rule.tools.iter().map(ToString::to_string).collect(),
            networks: rule.networks.iter().map(ToString::to_string).collect(),
            effect: effect.into(),
            approvers: approvers.to_string(),
            hours: hours.to_string(),
            passkey: ticked(passkey),
            requires_purpose: ticked(rule.requires_purpose),
        }
    }
}

fn ticked(on: bool) -> String {
    if on { "true".into() } else { String::new() }
}

/// Returns the initial row, which requires approval so that nothing runs because of it.
fn new_row() -> Row {
    Row { effect: "ask".into(), approvers: "1".into(), hours: "24".into(), ..Row::default() }
}

/// Reads the rows from the query and applies its `do`: `add`, `remove-N`, `up-N` or `down-N`.
pub fn read(fields: &[(String, String)]) -> Vec<Row> {
    let get = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone()).unwrap_or_default();
    let all = |name: &str| fields.iter().filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect();
    let exists = |row: &usize| fields.iter().any(|(n, _)| *n == field(*row, "effect"));
    let row = |row: usize| Row {
        name: get(&field(row, "name")),
        tools: all(&list(row, "tools")),
        networks: all(&list(row, "networks")),
        effect: get(&field(row, "effect")),
        approvers: get(&field(row, "approvers")),
        hours: get(&field(row, "hours")),
        passkey: get(&field(row, "passkey")),
        requires_purpose: get(&field(row, "requires_purpose")),
    };
    let mut rows: Vec<_> = (0..50).take_while(exists).map(row).collect();
    let command = get("do");
    let (verb, at) = command.split_once('-').unwrap_or((&command, ""));
    match (verb, at.parse::<usize>().ok().filter(|at| *at < rows.len())) {
        ("add", _) => rows.push(new_row()),
        ("remove", Some(at)) => drop(rows.remove(at)),
        ("up", Some(at @ 1..)) => rows.swap(at - 1, at),
        ("down", Some(at)) if at + 1 < rows.len() => rows.swap(at, at + 1),
        _ => {}
    }
    rows
}

/// Validates all rows; errors are named by their form fields.
pub fn check(rows: &[Row]) -> Result<Rules, Refusal> {
    let (mut rules, mut wrong) = (vec![], vec![]);
    for (n, row) in rows.iter().enumerate() {
        match rule(row) {
            Ok(rule) => match Rules::new(vec![rule.clone()]) {
                Ok(_) => rules.push(rule),
                Err(invalid) => wrong.push(Invalid { field: field(n, &invalid.field), ..invalid }),
            },
            Err(invalid) => wrong.push(Invalid { field: field(n, &invalid.field), ..invalid }),
        }
    }
    if wrong.is_empty() {
        return Ok(Rules::new(rules)?);
    }
    Err(Refusal { kind: Kind::Invalid, message: t!("rules-invalid"), fields: wrong, wait: None })
}

fn rule(row: &Row) -> Result<Rule, Invalid> {
    let verdict = match row.effect.parse()? {
        domain::rule::Effect::Run => Verdict::Run,
        domain::rule::Effect::Refuse => Verdict::Refuse,
        domain::rule::Effect::Ask => Verdict::Ask {
            approvers: number("approvers", &row.approvers)?,
            hours: number("hours", &row.hours)?,
            passkey: checkbox("passkey", &row.passkey)?,
        },
    };
    Ok(Rule {
        name: row.name.clone(),
        tools: values("tools", &row.tools)?,
        networks: values("networks", &row.networks)?,
        verdict,
        requires_purpose: checkbox("requires_purpose", &row.requires_purpose)?,
    })
}

fn checkbox(field: &str, text: &str) -> Result<bool, Invalid> {
    match text {
        "true" => Ok(true),
        "" => Ok(false),
        _ => Err(Invalid::new(field, t!("must-be-checkbox"))),
    }
}

fn values<T: FromStr<Err = Invalid>>(field: &str, texts: &[String]) -> Result<Vec<T>, Invalid> {
    texts.iter().map(|text| text.parse().map_err(|wrong: Invalid| Invalid::new(field, wrong.reason))).collect()
}

fn number(field: &str, text: &str) -> Result<u32, Invalid> {
    text.trim().parse().map_err(|_| Invalid::new(field, t!("must-be-number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(command: &str) -> Vec<(String, String)> {
        let mut fields = vec![("do".to_owned(), command.to_owned())];
        for (n, rule) in Rules::default().iter().enumerate() {
            let row = Row::from(rule);
            fields.push((field(n, "name"), row.name));
            fields.extend(row.tools.into_iter().map(|tool| (list(n, "tools"), tool)));
            fields.extend(row.networks.into_iter().map(|network| (list(n, "networks"), network)));
            fields.extend(
                [("effect", row.effect), ("approvers", row.approvers), ("hours", row.hours), ("passkey", row.passkey)]
                    .map(|(f, v)| (field(n, f), v)),
            );
        }
        fields
    }

    #[test]
    fn rules_read_back_from_their_form() {
        assert_eq!(check(&read(&fields(""))).unwrap(), Rules::default());
    }

    #[test]
    fn x19_a_rule_that_demands_passkeys_reads_back_from_its_form() {
        let verdict = Verdict::Ask { approvers: 2, hours: 8, passkey: true };
        let rule = Rule { name: "r".into(), tools: vec![], networks: vec![], verdict, requires_purpose: true };
        let row = Row::from(&rule);
        assert_eq!(check(std::slice::from_ref(&row)).unwrap(), Rules::new(vec![rule]).unwrap());
        let wrong = check(&[Row { passkey: "yes".into(), ..row }]).unwrap_err();
        assert_eq!(wrong.fields[0].field, "rules[0][passkey]");
    }

    #[test]
    fn rows_are_added_removed_and_moved_without_being_saved() {
        let names = |command: &str| read(&fields(command)).into_iter().map(|row| row.name).collect::<Vec<_>>();
        let (sealed, rest) = ("Isolated scripts run immediately", "Everything else requires approval");
        assert_eq!(names("add"), [sealed, rest, ""]);
        assert_eq!(names("remove-0"), [rest]);
        assert_eq!(names("up-1"), [rest, sealed]);
        assert_eq!(names("down-0"), [rest, sealed]);
        for nothing in ["up-0", "down-1", "remove-2", "remove-x", "up-18446744073709551615", "burn-0"] {
            assert_eq!(names(nothing), [sealed, rest], "{nothing}");
        }
    }

    #[test]
    fn errors_are_named_by_their_row_and_field() {
        let mut rows = read(&fields("add"));
        rows[0].networks = vec!["moon".into()];
        rows[1].approvers = "many".into();
        let wrong = check(&rows).unwrap_err().fields.into_iter().map(|invalid| invalid.field).collect::<Vec<_>>();
        assert_eq!(wrong, ["rules[0][networks]", "rules[1][approvers]", "rules[2][name]"]);
    }
}
