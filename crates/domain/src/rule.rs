//! Rules decide what happens to a submission: run, ask, or refuse. The first that matches does.
use crate::{
    Invalid,
    network::NetworkPolicy,
    string_enum::string_enum,
    task::{Submission, Tool},
    text,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// What a rule does with what it matches.
    Effect, "effect", {
        /// It runs at once.
        Run = "run",
        /// People are asked.
        Ask = "ask",
        /// It does not run.
        Refuse = "refuse",
    }
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It runs at once.
    Run,
    /// People of the task's organization are asked.
    Ask {
        /// How many must say yes, 1 to 9.
        approvers: u32,
        /// How long they have, in hours, 1 to 720.
        hours: u32,
    },
    /// It does not run.
    Refuse,
}

/// One rule. A condition that is empty matches everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What people call it; stands on the approval page and in the audit log.
    pub name: String,
    /// Only these tools.
    pub tools: Vec<Tool>,
    /// Only these network policies.
    pub networks: Vec<NetworkPolicy>,
    /// What happens.
    pub verdict: Verdict,
}

impl Rule {
    fn matches(&self, task: &Submission) -> bool {
        (self.tools.is_empty() || self.tools.contains(&task.tool))
            && (self.networks.is_empty() || self.networks.contains(&task.network.policy))
    }
}

/// A tenant's rules, in order. What none of them matches asks one approver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(Vec<Rule>);

/// What applies where no rule matches.
pub const OTHERWISE: Verdict = Verdict::Ask { approvers: 1, hours: 24 };

impl Default for Rules {
    /// What a tenant starts with: sealed scripts run at once, everything else asks.
    fn default() -> Self {
        Self(vec![
            Rule {
                name: "Sealed scripts run at once".into(),
                tools: vec![Tool::Bash],
                networks: vec![NetworkPolicy::Isolated],
                verdict: Verdict::Run,
            },
            Rule { name: "Everything else asks".into(), tools: vec![], networks: vec![], verdict: OTHERWISE },
        ])
    }
}

impl Rules {
    /// At most 50 rules, each with a name of 1 to 80 characters and numbers in their ranges.
    pub fn new(mut rules: Vec<Rule>) -> Result<Self, Invalid> {
        if rules.len() > 50 {
            return Err(Invalid::new("rules", "at most 50"));
        }
        for rule in &mut rules {
            rule.name = text::name("name", &rule.name, 80)?;
            if let Verdict::Ask { approvers, hours } = rule.verdict {
                if !(1..=9).contains(&approvers) {
                    return Err(Invalid::new("approvers", "must be 1 to 9"));
                }
                if !(1..=720).contains(&hours) {
                    return Err(Invalid::new("hours", "must be 1 to 720"));
                }
            }
        }
        Ok(Self(rules))
    }

    /// The verdict on a submission, and the name of the rule that gave it.
    pub fn judge(&self, task: &Submission) -> (&Verdict, &str) {
        match self.0.iter().find(|rule| rule.matches(task)) {
            Some(rule) => (&rule.verdict, &rule.name),
            None => (&OTHERWISE, "No rule matched"),
        }
    }

    /// The rules, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OrganizationId, task::SubmissionForm};

    fn task(network: &str) -> Submission {
        let form = serde_json::json!({ "script": "true", "network_policy": network });
        let form: SubmissionForm = serde_json::from_value(form).unwrap();
        form.check(OrganizationId(uuid::Uuid::nil())).unwrap()
    }

    #[test]
    fn a_new_tenant_runs_sealed_scripts_and_asks_for_the_rest() {
        let rules = Rules::default();
        assert_eq!(rules.judge(&task("isolated")).0, &Verdict::Run);
        assert_eq!(rules.judge(&task("unrestricted")).0, &OTHERWISE);
    }

    #[test]
    fn without_rules_everything_asks() {
        assert_eq!(Rules::new(vec![]).unwrap().judge(&task("isolated")).0, &OTHERWISE);
    }

    #[test]
    fn a_rule_that_would_ask_nobody_is_refused() {
        let rule = |approvers, hours| {
            let verdict = Verdict::Ask { approvers, hours };
            Rules::new(vec![Rule { name: "r".into(), tools: vec![], networks: vec![], verdict }])
        };
        assert!(rule(0, 1).is_err() && rule(1, 0).is_err() && rule(1, 721).is_err() && rule(2, 24).is_ok());
    }
}
