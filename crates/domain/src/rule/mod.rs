//! Rules: the first rule that matches a submission lets it run, requires approval, or refuses it.
//!
//! Rules with a label condition are not part of that order. Submitters choose labels, so such a rule only adds to what the rules without
//! one demand: every one that matches and precedes the deciding rule counts, and the strictest demands apply (M-12).
use crate::{
    Invalid, OrganizationId, PersonId, Timestamp,
    label::Labels,
    network::NetworkPolicy,
    string_enum::string_enum,
    task::{Submission, Tool},
    text,
};
use serde::{Deserialize, Serialize};

mod compare;
mod hours;
mod verdict;

pub use hours::{Hours, Zone};
pub use verdict::{DEFAULT_VERDICT, Effect, Verdict};

/// The maximum number of rules.
pub const MAX_RULES: usize = 50;
/// The maximum number of organizations, and of submitters, that a rule names.
const MAX_IDS: usize = 20;

/// A rule. An empty condition matches everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Shown on the approval page and in the audit log.
    pub name: String,
    pub tools: Vec<Tool>,
    pub networks: Vec<NetworkPolicy>,
    // Omitted if empty, so that versions that were signed without these conditions keep their bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organizations: Vec<OrganizationId>,
    /// People and service accounts that own the task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub submitters: Vec<PersonId>,
    /// Labels that the task must all have.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The time of the submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    pub verdict: Verdict,
    /// Whether a submission must say why it should run, if the task needs approval.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub requires_purpose: bool,
}

/// A condition of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Tool,
    Network,
    Organization,
    Submitter,
    Labels,
    Hours,
}

/// The properties of a submission that rules evaluate.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub organization: OrganizationId,
    /// The person or service account that owns the task.
    pub submitter: PersonId,
    pub tool: Tool,
    pub network: NetworkPolicy,
    pub labels: &'a Labels,
    /// The time of the submission.
    pub at: Timestamp,
}

impl<'a> Facts<'a> {
    pub const fn of(submission: &'a Submission, submitter: PersonId, at: Timestamp) -> Self {
        let Submission { organization, tool, labels, .. } = submission;
        Self { organization: *organization, submitter, tool: *tool, network: submission.network.policy, labels, at }
    }
}

/// One of the cases that rules distinguish. An id of `None` is one that no rule names.
struct Case<'a> {
    organization: Option<OrganizationId>,
    submitter: Option<PersonId>,
    tool: Tool,
    network: NetworkPolicy,
    labels: &'a Labels,
    /// Returns the hour in a zone.
    hour: &'a dyn Fn(&Zone) -> u8,
}

impl Rule {
    /// Returns a rule that matches everything.
    pub fn new(name: impl Into<String>, verdict: Verdict) -> Self {
        let (tools, networks, organizations, submitters) = (vec![], vec![], vec![], vec![]);
        let (name, labels) = (name.into(), Labels::default());
        Self { name, tools, networks, organizations, submitters, labels, hours: None, verdict, requires_purpose: false }
    }

    /// Returns the first condition that a case does not meet.
    fn unmet(&self, case: &Case<'_>) -> Option<Condition> {
        fn meets<T: PartialEq>(allowed: &[T], value: Option<T>) -> bool {
            allowed.is_empty() || value.is_some_and(|value| allowed.contains(&value))
        }
        let hours = self.hours.as_ref().is_none_or(|hours| hours.include((case.hour)(&hours.zone)));
        [
            (meets(&self.tools, Some(case.tool)), Condition::Tool),
            (meets(&self.networks, Some(case.network)), Condition::Network),
            (meets(&self.organizations, case.organization), Condition::Organization),
            (meets(&self.submitters, case.submitter), Condition::Submitter),
            (case.labels.include(&self.labels), Condition::Labels),
            (hours, Condition::Hours),
        ]
        .into_iter()
        .find_map(|(met, condition)| (!met).then_some(condition))
    }

    fn checked(mut self) -> Result<Self, Invalid> {
        self.name = text::name("name", &self.name, 80)?;
        self.verdict.check()?;
        self.hours.as_ref().map_or(Ok(()), Hours::check)?;
        if self.organizations.len() > MAX_IDS {
            return Err(Invalid::new("organizations", format!("must be at most {MAX_IDS}")));
        }
        if self.submitters.len() > MAX_IDS {
            return Err(Invalid::new("submitters", format!("must be at most {MAX_IDS}")));
        }
        if !self.labels.is_empty() && self.verdict == Verdict::Run {
            let reason = "must require approval or refuse the task: labels can only make the rules stricter";
            return Err(Invalid::new("effect", reason));
        }
        Ok(self)
    }
}

/// A tenant's rules in order. A submission that matches none needs one approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(Vec<Rule>);

/// The result of one rule in an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A condition was not met.
    NotMet(Condition),
    /// It has a label condition, and made the verdict stricter.
    MadeStricter,
    /// It has a label condition, and the verdict was at least as strict without it.
    AddedNothing,
    /// The first that matched.
    Decided,
    /// It comes after the one that decided.
    NotReached,
}

/// A verdict with the reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation<'a> {
    pub verdict: Verdict,
    /// Whether a rule that matched requires a purpose, and the verdict an approval.
    pub requires_purpose: bool,
    /// The name of the rule that decided, or that made the verdict stricter.
    pub rule: &'a str,
    /// A step for each rule.
    pub steps: Vec<Step>,
}

impl Default for Rules {
    /// Returns the rules of a new tenant: isolated scripts run at once, everything else needs approval.
    fn default() -> Self {
        let isolated = Rule {
            tools: vec![Tool::Bash],
            networks: vec![NetworkPolicy::Isolated],
            ..Rule::new("Isolated scripts run immediately", Verdict::Run)
        };
        Self(vec![isolated, Rule::new("Everything else requires approval", DEFAULT_VERDICT)])
    }
}

impl Rules {
    /// Validates at most 50 rules, each with a name of 1 to 80 characters and numbers in their ranges. A rule with a label condition lets
    /// nothing run.
    pub fn new(rules: Vec<Rule>) -> Result<Self, Invalid> {
        if rules.len() > MAX_RULES {
            return Err(Invalid::new("rules", format!("at most {MAX_RULES}")));
        }
        rules.into_iter().map(Rule::checked).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the verdict on a submission, and the name of the rule that decided.
    pub fn judge(&self, facts: &Facts<'_>) -> (Verdict, &str) {
        let Explanation { verdict, rule, .. } = self.explain(facts);
        (verdict, rule)
    }

    /// Returns errors for fields that approvers need and the submission lacks: a title, and a purpose if the rules require one.
    pub fn missing(&self, submission: &Submission, submitter: PersonId, at: Timestamp) -> Vec<Invalid> {
        let Explanation { verdict, requires_purpose, .. } = self.explain(&Facts::of(submission, submitter, at));
        let is_untitled = !submission.has_title && matches!(verdict, Verdict::Ask { .. });
        let title = "must be given because the task needs approval, unless the script begins with a comment";
        let purpose = "must be given: the rules require a reason why the task should run";
        let title = is_untitled.then(|| Invalid::new("title", title));
        let purpose = (submission.purpose.is_none() && requires_purpose).then(|| Invalid::new("purpose", purpose));
        title.into_iter().chain(purpose).collect()
    }

    /// Returns the verdict on a submission with the reason for it.
    pub fn explain(&self, facts: &Facts<'_>) -> Explanation<'_> {
        self.explain_case(&Case {
            organization: Some(facts.organization),
            submitter: Some(facts.submitter),
            tool: facts.tool,
            network: facts.network,
            labels: facts.labels,
            hour: &|zone| zone.hour(facts.at),
        })
    }

    fn explain_case(&self, case: &Case<'_>) -> Explanation<'_> {
        let unmet: Vec<_> = self.0.iter().map(|rule| rule.unmet(case)).collect();
        let decides = |(rule, unmet): &(&Rule, &Option<Condition>)| rule.labels.is_empty() && unmet.is_none();
        let decided = self.0.iter().zip(&unmet).position(|pair| decides(&pair));
        let mut found = match decided.and_then(|place| self.0.get(place)) {
            Some(rule) => {
                let requires_purpose = rule.requires_purpose;
                Explanation { verdict: rule.verdict, requires_purpose, rule: &rule.name, steps: vec![] }
            }
            None => {
                let rule = "No rule matched";
                Explanation { verdict: DEFAULT_VERDICT, requires_purpose: false, rule, steps: vec![] }
            }
        };
        for (place, (rule, unmet)) in self.0.iter().zip(unmet).enumerate() {
            let stricter = found.verdict.and(rule.verdict);
            let step = match unmet {
                _ if decided.is_some_and(|decided| place > decided) => Step::NotReached,
                _ if decided == Some(place) => Step::Decided,
                Some(condition) => Step::NotMet(condition),
                None if stricter == found.verdict && rule.requires_purpose <= found.requires_purpose => {
                    Step::AddedNothing
                }
                None => {
                    if stricter != found.verdict {
                        (found.verdict, found.rule) = (stricter, &rule.name);
                    }
                    found.requires_purpose |= rule.requires_purpose;
                    Step::MadeStricter
                }
            };
            found.steps.push(step);
        }
        found.requires_purpose &= matches!(found.verdict, Verdict::Ask { .. });
        found
    }

    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }

    /// Returns the organizations, and the people and service accounts, that the rules name.
    pub fn named(&self) -> (Vec<OrganizationId>, Vec<PersonId>) {
        let mut organizations: Vec<_> = self.0.iter().flat_map(|rule| rule.organizations.iter().copied()).collect();
        let mut submitters: Vec<_> = self.0.iter().flat_map(|rule| rule.submitters.iter().copied()).collect();
        organizations.sort_unstable();
        organizations.dedup();
        submitters.sort_unstable();
        submitters.dedup();
        (organizations, submitters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn verdict(rules: &Rules, network: NetworkPolicy, labels: &str) -> (Verdict, String) {
        let labels = Labels::parse(labels).unwrap();
        let (organization, submitter) = (OrganizationId(Uuid::nil()), PersonId(Uuid::nil()));
        let facts = Facts { organization, submitter, tool: Tool::Bash, network, labels: &labels, at: Timestamp(0) };
        let (verdict, rule) = rules.judge(&facts);
        (verdict, rule.to_owned())
    }

    fn labeled(name: &str, labels: &str, verdict: Verdict) -> Rule {
        Rule { labels: Labels::parse(labels).unwrap(), ..Rule::new(name, verdict) }
    }

    #[test]
    fn a_new_tenant_runs_isolated_scripts_and_requires_approval_for_the_rest() {
        let rules = Rules::default();
        assert_eq!(verdict(&rules, NetworkPolicy::Isolated, "").0, Verdict::Run);
        assert_eq!(verdict(&rules, NetworkPolicy::Unrestricted, "").0, DEFAULT_VERDICT);
    }

    #[test]
    fn without_rules_every_task_needs_approval() {
        assert_eq!(verdict(&Rules::new(vec![]).unwrap(), NetworkPolicy::Isolated, "").0, DEFAULT_VERDICT);
    }

    #[test]
    fn an_approval_rule_needs_approvers_and_time() {
        let rule =
            |approvers, hours| Rules::new(vec![Rule::new("r", Verdict::Ask { approvers, hours, passkey: false })]);
        assert!(rule(0, 1).is_err() && rule(1, 0).is_err() && rule(1, 721).is_err() && rule(2, 24).is_ok());
        let many = |n| Rule { submitters: vec![PersonId(Uuid::nil()); n], ..Rule::new("r", Verdict::Run) };
        assert!(Rules::new(vec![many(20)]).is_ok());
        assert_eq!(Rules::new(vec![many(21)]).unwrap_err().field, "submitters");
    }

    #[test]
    fn m_12_a_rule_with_a_label_condition_only_adds_demands() {
        let two = Verdict::Ask { approvers: 2, hours: 48, passkey: false };
        let mut rules: Vec<_> = Rules::default().iter().cloned().collect();
        rules.insert(0, labeled("production", "env=prod", two));
        rules.push(labeled("never reached", "env=prod", Verdict::Refuse));
        let rules = Rules::new(rules).unwrap();
        let isolated = |labels| verdict(&rules, NetworkPolicy::Isolated, labels);
        assert_eq!(isolated("env=test").0, Verdict::Run);
        assert_eq!(isolated("env=prod, team=a"), (two, "production".into()));
        let open = verdict(&rules, NetworkPolicy::Unrestricted, "env=prod").0;
        assert_eq!(open, Verdict::Ask { approvers: 2, hours: 24, passkey: false }, "the shorter time of both rules");
        let run = Rules::new(vec![labeled("r", "env=prod", Verdict::Run)]);
        assert_eq!(run.unwrap_err().field, "effect");
    }

    #[test]
    fn d_04_a_task_that_needs_approval_has_a_title_and_the_purpose_that_its_rule_requires() {
        let rules = |verdict| Rules::new(vec![Rule { requires_purpose: true, ..Rule::new("r", verdict) }]).unwrap();
        let submission = |policy| {
            let network = crate::network::Network { policy, hosts: vec![] };
            Submission { network, has_title: false, ..Submission::blank(OrganizationId(Uuid::nil())) }
        };
        let missing = |rules: &Rules, task: &Submission| {
            let missing = rules.missing(task, PersonId(Uuid::nil()), Timestamp(0));
            missing.into_iter().map(|invalid| invalid.field).collect::<Vec<_>>()
        };
        let asks = rules(DEFAULT_VERDICT);
        let silent = submission(NetworkPolicy::Isolated);
        let titled = Submission { has_title: true, ..silent.clone() };
        assert_eq!(missing(&asks, &silent), ["title", "purpose"]);
        assert_eq!(missing(&asks, &titled), ["purpose"]);
        assert!(missing(&asks, &Submission { purpose: Some("Rotation".into()), ..titled.clone() }).is_empty());
        assert!(missing(&rules(Verdict::Run), &silent).is_empty());
        assert!(missing(&rules(Verdict::Refuse), &silent).is_empty());
        let open = submission(NetworkPolicy::Unrestricted);
        assert_eq!(missing(&Rules::default(), &open), ["title"]);
        assert!(missing(&Rules::default(), &Submission { has_title: true, ..open }).is_empty());
        // A rule with a label condition adds the demand, and never lifts it.
        let production = Rule { requires_purpose: true, ..labeled("production", "env=prod", DEFAULT_VERDICT) };
        let labeled = Rules::new(vec![production, Rule::new("r", DEFAULT_VERDICT)]).unwrap();
        let task = Submission { labels: Labels::parse("env=prod").unwrap(), ..titled.clone() };
        assert_eq!(missing(&labeled, &task), ["purpose"]);
        assert!(missing(&labeled, &titled).is_empty());
        assert_eq!(serde_json::to_value(&asks).unwrap()[0]["requires_purpose"], true);
    }

    #[test]
    fn d_05_rules_that_were_signed_without_the_new_conditions_keep_their_bytes() {
        let stored = r#"[{"name":"r","tools":["bash"],"networks":[],"verdict":{"ask":{"approvers":2,"hours":8}}}]"#;
        let rules: Rules = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&rules).unwrap(), stored);
        assert!(serde_json::from_str::<Rules>(&stored.replace("\"tools\"", "\"more\":1,\"tools\"")).is_err());
    }

    #[test]
    fn d_05_an_explanation_has_a_step_for_each_rule() {
        let more = Rule { networks: vec![NetworkPolicy::Unrestricted], ..Rule::new("open", Verdict::Refuse) };
        let same = labeled("same", "a=b", DEFAULT_VERDICT);
        let two = labeled("two", "a=b", Verdict::Ask { approvers: 2, hours: 24, passkey: false });
        let rules =
            Rules::new(vec![more, same, two, Rule::new("rest", DEFAULT_VERDICT), Rule::new("last", Verdict::Run)])
                .unwrap();
        let labels = Labels::parse("a=b").unwrap();
        let (organization, submitter) = (OrganizationId(Uuid::nil()), PersonId(Uuid::nil()));
        let network = NetworkPolicy::Isolated;
        let found = rules.explain(&Facts {
            organization,
            submitter,
            tool: Tool::Bash,
            network,
            labels: &labels,
            at: Timestamp(0),
        });
        assert_eq!(found.rule, "two");
        let steps =
            [Step::NotMet(Condition::Network), Step::AddedNothing, Step::MadeStricter, Step::Decided, Step::NotReached];
        assert_eq!(found.steps, steps);
    }
}
