//! Rules: the first rule that matches a submission lets it run, requires approval, or refuses it.
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
    /// The effect of a rule.
    Effect, "effect", {
        /// The task is queued at once.
        Run = "run",
        /// The task needs approval.
        Ask = "ask",
        /// The task is denied.
        Refuse = "refuse",
    }
}

/// The verdict of a rule on a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The task is queued at once.
    Run,
    /// The task needs approval by approvers of its organization.
    Ask {
        /// The required number of approvals, 1 to 9.
        approvers: u32,
        /// The time to decide in hours, 1 to 720.
        hours: u32,
        /// Whether each approval must be confirmed with the approver's passkey.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        passkey: bool,
    },
    /// The task is denied.
    Refuse,
}

/// A rule. An empty condition matches everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Shown on the approval page and in the audit log.
    pub name: String,
    pub tools: Vec<Tool>,
    pub networks: Vec<NetworkPolicy>,
    pub verdict: Verdict,
    /// Whether a submission must say why it should run, if the rule requires approval.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub requires_purpose: bool,
}

impl Rule {
    fn matches(&self, task: &Submission) -> bool {
        (self.tools.is_empty() || self.tools.contains(&task.tool))
            && (self.networks.is_empty() || self.networks.contains(&task.network.policy))
    }
}

/// A tenant's rules in order. A submission that matches none needs one approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(Vec<Rule>);

/// The verdict if no rule matches.
pub const DEFAULT_VERDICT: Verdict = Verdict::Ask { approvers: 1, hours: 24, passkey: false };

impl Default for Rules {
    /// Returns the rules of a new tenant: isolated scripts run at once, everything else needs approval.
    fn default() -> Self {
        Self(vec![
            Rule {
                name: "Isolated scripts run immediately".into(),
                tools: vec![Tool::Bash],
                networks: vec![NetworkPolicy::Isolated],
                verdict: Verdict::Run,
                requires_purpose: false,
            },
            Rule {
                name: "Everything else requires approval".into(),
                tools: vec![],
                networks: vec![],
                verdict: DEFAULT_VERDICT,
                requires_purpose: false,
            },
        ])
    }
}

impl Rules {
    /// Validates at most 50 rules, each with a name of 1 to 80 characters and numbers in their ranges.
    pub fn new(mut rules: Vec<Rule>) -> Result<Self, Invalid> {
        if rules.len() > 50 {
            return Err(Invalid::new("rules", "at most 50"));
        }
        for rule in &mut rules {
            rule.name = text::name("name", &rule.name, 80)?;
            if let Verdict::Ask { approvers, hours, .. } = rule.verdict {
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

    /// Returns the verdict on a submission, and the name of the rule that matched.
    pub fn judge(&self, task: &Submission) -> (&Verdict, &str) {
        match self.matching(task) {
            Some(rule) => (&rule.verdict, &rule.name),
            None => (&DEFAULT_VERDICT, "No rule matched"),
        }
    }

    /// Returns whether the rule that matches a submission requires an approval and a purpose.
    pub fn requires_purpose(&self, task: &Submission) -> bool {
        self.matching(task).is_some_and(|rule| rule.requires_purpose && matches!(rule.verdict, Verdict::Ask { .. }))
    }

    /// Returns what approvers need to know of a submission and it does not say: its title, and a purpose if its rule requires one.
    pub fn missing(&self, task: &Submission) -> Vec<Invalid> {
        let is_untitled = !task.has_title && matches!(self.judge(task).0, Verdict::Ask { .. });
        let has_no_purpose = task.purpose.is_none() && self.requires_purpose(task);
        let title = "must be given because the task needs approval, unless the script begins with a comment";
        let purpose = "must be given: the rules require a reason why the task should run";
        let title = is_untitled.then(|| Invalid::new("title", title));
        title.into_iter().chain(has_no_purpose.then(|| Invalid::new("purpose", purpose))).collect()
    }

    fn matching(&self, task: &Submission) -> Option<&Rule> {
        self.0.iter().find(|rule| rule.matches(task))
    }

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
    fn a_new_tenant_runs_isolated_scripts_and_requires_approval_for_the_rest() {
        let rules = Rules::default();
        assert_eq!(rules.judge(&task("isolated")).0, &Verdict::Run);
        assert_eq!(rules.judge(&task("unrestricted")).0, &DEFAULT_VERDICT);
    }

    #[test]
    fn without_rules_every_task_needs_approval() {
        assert_eq!(Rules::new(vec![]).unwrap().judge(&task("isolated")).0, &DEFAULT_VERDICT);
    }

    #[test]
    fn an_approval_rule_needs_approvers_and_time() {
        let rule = |approvers, hours| {
            let verdict = Verdict::Ask { approvers, hours, passkey: false };
            Rules::new(vec![Rule {
                name: "r".into(),
                tools: vec![],
                networks: vec![],
                verdict,
                requires_purpose: false,
            }])
        };
        assert!(rule(0, 1).is_err() && rule(1, 0).is_err() && rule(1, 721).is_err() && rule(2, 24).is_ok());
    }

    #[test]
    fn d_04_a_task_that_needs_approval_has_a_title_and_the_purpose_that_its_rule_requires() {
        let rules = |verdict| {
            let rule = Rule { name: "r".into(), tools: vec![], networks: vec![], verdict, requires_purpose: true };
            Rules::new(vec![rule]).unwrap()
        };
        let asks = rules(DEFAULT_VERDICT);
        let missing = |rules: &Rules, task: &Submission| {
            rules.missing(task).into_iter().map(|invalid| invalid.field).collect::<Vec<_>>()
        };
        let silent = task("isolated");
        let titled = Submission { has_title: true, ..silent.clone() };
        assert_eq!(missing(&asks, &silent), ["title", "purpose"]);
        assert_eq!(missing(&asks, &titled), ["purpose"]);
        assert!(missing(&asks, &Submission { purpose: Some("Rotation".into()), ..titled }).is_empty());
        assert!(missing(&rules(Verdict::Run), &silent).is_empty());
        assert!(missing(&rules(Verdict::Refuse), &silent).is_empty());
        assert_eq!(missing(&Rules::default(), &task("unrestricted")), ["title"]);
        assert!(missing(&Rules::default(), &Submission { has_title: true, ..task("unrestricted") }).is_empty());
        assert_eq!(serde_json::to_value(&asks).unwrap()[0]["requires_purpose"], true);
        assert!(
            serde_json::to_value(Rules::default()).unwrap()[0].get("requires_purpose").is_none(),
            "signed rules keep their bytes"
        );
    }
}
