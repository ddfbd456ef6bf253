//! Draft rules. The rows are in the query string until they are saved, so that adding, removing and moving them needs no
//! JavaScript and changes nothing.
use crate::{
    outcome::{Kind, Refusal},
    ui::escaped,
};
use domain::{
    Invalid,
    label::Labels,
    rule::{Effect, Hours, MAX_RULES, Rule, Rules, Verdict},
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
    /// Ids of organizations; empty for all.
    #[serde(default)]
    pub organizations: Vec<String>,
    /// Ids of people and service accounts; empty for all.
    #[serde(default)]
    pub submitters: Vec<String>,
    /// Labels as [`Labels::parse`] reads them.
    #[serde(default)]
    pub labels: String,
    /// The first hour; empty for the whole day.
    #[serde(default)]
    pub from: String,
    /// The hour after the last one; empty for the whole day.
    #[serde(default)]
    pub to: String,
    /// The time zone of the hours; UTC if empty.
    #[serde(default)]
    pub zone: String,
    /// A value of [`Effect`].
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
        let hour = |hour: fn(&Hours) -> String| rule.hours.as_ref().map(hour).unwrap_or_default();
        Self {
            name: rule.name.clone(),
            tools: rule.tools.iter().map(ToString::to_string).collect(),
            networks: rule.networks.iter().map(ToString::to_string).collect(),
            organizations: rule.organizations.iter().map(ToString::to_string).collect(),
            submitters: rule.submitters.iter().map(ToString::to_string).collect(),
            labels: rule.labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", "),
            from: hour(|hours| hours.from.to_string()),
            to: hour(|hours| hours.to.to_string()),
            zone: hour(|hours| hours.zone.to_string()),
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

/// Returns the fields of these rows, without the empty ones, as [`read`] reads them.
pub fn fields(version: i64, rows: &[Row]) -> Vec<(String, String)> {
    let mut fields = vec![("version".to_owned(), version.to_string())];
    for (n, row) in rows.iter().enumerate() {
        let Row {
            name,
            tools,
            networks,
            organizations,
            submitters,
            labels,
            from,
            to,
            zone,
            effect,
            approvers,
            hours,
            passkey,
            requires_purpose,
        } = row;
        let lists =
            [("tools", tools), ("networks", networks), ("organizations", organizations), ("submitters", submitters)];
        for (name, values) in lists {
            fields.extend(values.iter().map(|value| (list(n, name), value.clone())));
        }
        // Only rules that require approval have these fields.
        // A purpose can also be demanded of a task that only a rule with labels holds back.
        let (approvers, hours, passkey) = match effect == Effect::Ask.as_str() {
            true => (approvers.as_str(), hours.as_str(), passkey.as_str()),
            false => ("", "", ""),
        };
        let texts = [
            ("name", name.as_str()),
            ("labels", labels),
            ("from", from),
            ("to", to),
            ("zone", zone),
            ("effect", effect),
            ("approvers", approvers),
            ("hours", hours),
            ("passkey", passkey),
            ("requires_purpose", requires_purpose),
        ];
        let texts = texts.into_iter().filter(|(_, value)| !value.is_empty());
        fields.extend(texts.map(|(name, value)| (field(n, name), value.to_owned())));
    }
    fields
}

/// Returns the address of a page with these rows.
pub fn address(path: &str, version: i64, rows: &[Row]) -> String {
    let pairs =
        fields(version, rows).into_iter().map(|(name, value)| format!("{}={}", escaped(&name), escaped(&value)));
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
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
    // A verdict without numbers gets those of a new rule, in case its effect is changed.
    let number = |row: usize, name: &str, initial: &str| match get(&field(row, name)) {
        empty if empty.is_empty() && get(&field(row, "effect")) != Effect::Ask.as_str() => initial.to_owned(),
        text => text,
    };
    let row = |row: usize| Row {
        name: get(&field(row, "name")),
        tools: all(&list(row, "tools")),
        networks: all(&list(row, "networks")),
        organizations: all(&list(row, "organizations")),
        submitters: all(&list(row, "submitters")),
        labels: get(&field(row, "labels")),
        from: get(&field(row, "from")),
        to: get(&field(row, "to")),
        zone: get(&field(row, "zone")),
        effect: get(&field(row, "effect")),
        approvers: number(row, "approvers", "1"),
        hours: number(row, "hours", "24"),
        passkey: get(&field(row, "passkey")),
        requires_purpose: get(&field(row, "requires_purpose")),
    };
    let mut rows: Vec<_> = (0..MAX_RULES).take_while(exists).map(row).collect();
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
        Effect::Run => Verdict::Run,
        Effect::Refuse => Verdict::Refuse,
        Effect::Ask => Verdict::Ask {
            approvers: number("approvers", &row.approvers)?,
            hours: number("hours", &row.hours)?,
            passkey: checkbox("passkey", &row.passkey)?,
        },
    };
    Ok(Rule {
        name: row.name.clone(),
        tools: values("tools", &row.tools)?,
        networks: values("networks", &row.networks)?,
        organizations: ids("organizations", &row.organizations)?,
        submitters: ids("submitters", &row.submitters)?,
        labels: Labels::parse(&row.labels)?,
        hours: time(row)?,
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

fn time(row: &Row) -> Result<Option<Hours>, Invalid> {
    let hour = |field: &str, text: &str| {
        text.trim().parse().ok().filter(|hour| *hour < 24_u8).ok_or_else(|| Invalid::new(field, t!("must-be-hour")))
    };
    match (row.from.is_empty(), row.to.is_empty()) {
        (true, true) => Ok(None),
        _ => Ok(Some(Hours {
            from: hour("from", &row.from)?,
            to: hour("to", &row.to)?,
            zone: if row.zone.trim().is_empty() { "UTC" } else { row.zone.trim() }.parse()?,
        })),
    }
}

fn values<T: FromStr<Err = Invalid>>(field: &str, texts: &[String]) -> Result<Vec<T>, Invalid> {
    texts.iter().map(|text| text.parse().map_err(|wrong: Invalid| Invalid::new(field, wrong.reason))).collect()
}

fn ids<T: FromStr>(field: &str, texts: &[String]) -> Result<Vec<T>, Invalid> {
    texts.iter().map(|text| text.parse().map_err(|_| Invalid::new(field, t!("must-be-listed")))).collect()
}

fn number(field: &str, text: &str) -> Result<u32, Invalid> {
    text.trim().parse().map_err(|_| Invalid::new(field, t!("must-be-number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(command: &str) -> Vec<(String, String)> {
        let rows: Vec<_> = Rules::default().iter().map(Row::from).collect();
        [super::fields(1, &rows), vec![("do".to_owned(), command.to_owned())]].concat()
    }

    #[test]
    fn rules_read_back_from_their_form() {
        assert_eq!(check(&read(&fields(""))).unwrap(), Rules::default());
    }

    #[test]
    fn d_05_a_rule_with_every_condition_reads_back_from_its_form() {
        let id = || "018f0000-0000-7000-8000-000000000001".to_owned();
        let row = Row {
            name: "r".into(),
            organizations: vec![id()],
            submitters: vec![id()],
            labels: "env=prod, team=a".into(),
            from: "22".into(),
            to: "6".into(),
            zone: "Europe/Berlin".into(),
            effect: "refuse".into(),
            ..Row::default()
        };
        let rules = check(&read(&super::fields(1, std::slice::from_ref(&row)))).unwrap();
        let rows: Vec<_> = rules.iter().map(Row::from).collect();
        assert_eq!(check(&rows).unwrap(), rules);
        assert_eq!(super::fields(1, &rows), super::fields(1, std::slice::from_ref(&row)));
        let wrong = |change: fn(&mut Row)| {
            let mut row = row.clone();
            change(&mut row);
            check(&[row]).unwrap_err().fields.remove(0).field
        };
        assert_eq!(wrong(|row| row.to.clear()), "rules[0][to]");
        assert_eq!(wrong(|row| row.to = "22".into()), "rules[0][from]");
        assert_eq!(wrong(|row| row.zone = "Moon/Base".into()), "rules[0][zone]");
        assert_eq!(wrong(|row| row.labels = "prod".into()), "rules[0][labels]");
        assert_eq!(wrong(|row| row.organizations = vec!["ops".into()]), "rules[0][organizations]");
        assert_eq!(wrong(|row| row.effect = "run".into()), "rules[0][effect]", "labels make rules stricter only");
    }

    #[test]
    fn x19_a_rule_that_demands_passkeys_reads_back_from_its_form() {
        let verdict = Verdict::Ask { approvers: 2, hours: 8, passkey: true };
        let rule = Rule { requires_purpose: true, ..Rule::new("r", verdict) };
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
