//! Comparison of rules: whether a change permits a task that the old rules did not permit.
use super::{Case, Rules, Verdict, Zone};
use crate::{label::Labels, network::NetworkPolicy, task::Tool};
use std::collections::{BTreeMap, BTreeSet};

/// The maximum number of cases that are compared. Rules that distinguish more are not proven.
const MAX_CASES: usize = 10_000;

impl Rules {
    /// Returns whether it is proven that these rules are at least as strict as `old` for every submission.
    ///
    /// Both are judged in every case that they distinguish: each tool and network policy, each organization and submitter that they name
    /// and one that they do not, and the hours between the limits that they name, in each zone. A label only adds requirements,
    /// so it is enough to compare without labels and with the labels of each old rule.
    pub fn are_at_least_as_strict_as(&self, old: &Self) -> bool {
        let all = || self.iter().chain(old.iter());
        let organizations = named(all().flat_map(|rule| &rule.organizations));
        let submitters = named(all().flat_map(|rule| &rule.submitters));
        let none = Labels::default();
        let labels: Vec<_> = [&none]
            .into_iter()
            .chain(old.iter().map(|rule| &rule.labels).filter(|labels| !labels.is_empty()))
            .collect();
        let mut limits: BTreeMap<&Zone, BTreeSet<u8>> = BTreeMap::new();
        for hours in all().filter_map(|rule| rule.hours.as_ref()) {
            limits.entry(&hours.zone).or_default().extend([hours.from, hours.to]);
        }
        let sizes = [organizations.len(), submitters.len(), labels.len(), Tool::ALL.len(), NetworkPolicy::ALL.len()];
        let count = sizes.into_iter().chain(limits.values().map(BTreeSet::len)).try_fold(1_usize, usize::checked_mul);
        if count.is_none_or(|count| count > MAX_CASES) {
            return false;
        }
        let times = times(&limits);
        let stricter = |case: &Case<'_>| {
            let (new, old) = (self.explain_case(case), old.explain_case(case));
            let keeps_purpose = new.requires_purpose || !old.requires_purpose || new.verdict == Verdict::Refuse;
            keeps_purpose && new.verdict.is_at_least_as_strict_as(old.verdict)
        };
        times.iter().all(|time| {
            let hour = |zone: &Zone| time.get(zone).copied().unwrap_or(0);
            organizations.iter().all(|organization| {
                submitters.iter().all(|submitter| {
                    labels.iter().all(|labels| {
                        Tool::ALL.iter().all(|tool| {
                            NetworkPolicy::ALL.iter().all(|network| {
                                stricter(&Case {
                                    organization: *organization,
                                    submitter: *submitter,
                                    tool: *tool,
                                    network: *network,
                                    labels,
                                    hour: &hour,
                                })
                            })
                        })
                    })
                })
            })
        })
    }
}

/// Returns each value once, and `None` for all values that no rule names.
fn named<'a, T: Copy + Ord + 'a>(values: impl Iterator<Item = &'a T>) -> BTreeSet<Option<T>> {
    values.copied().map(Some).chain([None]).collect()
}

/// Returns every combination of hours in the zones. The verdict does not change between two limits, so the hour of each limit is enough.
fn times<'a>(limits: &BTreeMap<&'a Zone, BTreeSet<u8>>) -> Vec<BTreeMap<&'a Zone, u8>> {
    let mut times = vec![BTreeMap::new()];
    for (zone, hours) in limits {
        let with = |time: &BTreeMap<&'a Zone, u8>, hour: u8| {
            time.iter().map(|(z, h)| (*z, *h)).chain([(*zone, hour)]).collect()
        };
        times = times.iter().flat_map(|time| hours.iter().map(|hour| with(time, *hour))).collect();
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        OrganizationId, PersonId, Timestamp,
        rule::{DEFAULT_VERDICT, Explanation, Facts, Hours, Rule},
    };
    use proptest::{collection::vec, prelude::*, sample::select};
    use std::time::Duration;
    use uuid::Uuid;

    const LABELS: [&str; 4] = ["", "env=prod", "env=test", "env=prod, team=a"];

    fn organization(n: u128) -> OrganizationId {
        OrganizationId(Uuid::from_u128(n))
    }

    fn submitter(n: u128) -> PersonId {
        PersonId(Uuid::from_u128(n))
    }

    fn hours() -> impl Strategy<Value = Option<Hours>> {
        let zone = select(vec!["UTC", "Europe/Berlin"]);
        prop_oneof![
            2 => Just(None),
            1 => (0_u8..24, 1_u8..24, zone)
                .prop_map(|(from, more, zone)| Some(Hours { from, to: (from + more) % 24, zone: zone.parse().unwrap() })),
        ]
    }

    fn verdict() -> impl Strategy<Value = Verdict> {
        let ask = (1_u32..3, select(vec![8, 24]), any::<bool>()).prop_map(|(approvers, hours, passkey)| Verdict::Ask {
            approvers,
            hours,
            passkey,
        });
        prop_oneof![Just(Verdict::Run), ask, Just(Verdict::Refuse)]
    }

    fn rule() -> impl Strategy<Value = Rule> {
        let networks = vec(select(NetworkPolicy::ALL.to_vec()), 0..3);
        let ids = || vec(0_u128..2, 0..2);
        (networks, ids(), ids(), select(LABELS.to_vec()), hours(), verdict(), any::<bool>()).prop_map(
            |(networks, organizations, submitters, labels, hours, verdict, requires_purpose)| {
                let labels = Labels::parse(labels).unwrap();
                let verdict = if verdict == Verdict::Run && !labels.is_empty() { DEFAULT_VERDICT } else { verdict };
                Rule {
                    networks,
                    organizations: organizations.into_iter().map(organization).collect(),
                    submitters: submitters.into_iter().map(submitter).collect(),
                    labels,
                    hours,
                    requires_purpose,
                    ..Rule::new("r", verdict)
                }
            },
        )
    }

    fn rules() -> impl Strategy<Value = Rules> {
        vec(rule(), 0..5).prop_map(|rules| Rules::new(rules).unwrap())
    }

    /// A change of one rule, which is more often provable than other rules.
    fn change() -> impl Strategy<Value = (Rules, Rules)> {
        let edited = (rules(), any::<prop::sample::Index>(), rule(), 0..4).prop_map(|(old, place, rule, kind)| {
            let mut new: Vec<_> = old.iter().cloned().collect();
            let at = place.index(new.len() + 1);
            match kind {
                0 => new.insert(at, rule),
                1 if at < new.len() => drop(new.remove(at)),
                2 if at < new.len() => new[at].verdict = new[at].verdict.and(rule.verdict),
                3 if at + 1 < new.len() => new.swap(at, at + 1),
                _ => {}
            }
            (old, Rules::new(new).unwrap())
        });
        prop_oneof![3 => edited, 1 => (rules(), rules())]
    }

    /// A task, with ids and labels beyond those of the rules.
    type Task = (u128, u128, NetworkPolicy, &'static str, u64);

    fn tasks() -> impl Strategy<Value = Vec<Task>> {
        let labels = [&LABELS[..], &["team=a", "env=other"]].concat();
        vec((0_u128..3, 0_u128..3, select(NetworkPolicy::ALL.to_vec()), select(labels), 0_u64..24 * 365), 40)
    }

    fn judge<'a>(rules: &'a Rules, &(org, by, network, labels, hour): &Task) -> Explanation<'a> {
        let labels = Labels::parse(labels).unwrap();
        let at = Timestamp(1_767_225_600_000_000).after(Duration::from_hours(hour));
        let facts = Facts {
            organization: organization(org),
            submitter: submitter(by),
            tool: Tool::Bash,
            network,
            labels: &labels,
            at,
        };
        rules.explain(&facts)
    }

    fn is_strict(new: &Explanation<'_>, old: &Explanation<'_>) -> bool {
        let asks_why = |found: &Explanation<'_>| found.requires_purpose || found.verdict == Verdict::Refuse;
        (asks_why(new) || !old.requires_purpose) && new.verdict.is_at_least_as_strict_as(old.verdict)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn d_05_what_is_proven_not_looser_is_stricter_for_every_task((old, new) in change(), tasks in tasks()) {
            if new.are_at_least_as_strict_as(&old) {
                for task in &tasks {
                    let (before, after) = (judge(&old, task), judge(&new, task));
                    prop_assert!(is_strict(&after, &before), "{task:?}: {before:?}, then {after:?}");
                }
            }
        }

        #[test]
        fn m_12_a_rule_with_a_label_condition_never_loosens(rules in rules(), tasks in tasks()) {
            for place in 0..rules.iter().count() {
                let without = rules.iter().enumerate().filter(|(n, rule)| *n != place || rule.labels.is_empty());
                let without = Rules::new(without.map(|(_, rule)| rule.clone()).collect()).unwrap();
                prop_assert!(rules.are_at_least_as_strict_as(&without));
                for task in &tasks {
                    prop_assert!(is_strict(&judge(&rules, task), &judge(&without, task)), "{task:?}");
                }
            }
        }

        #[test]
        fn m_12_a_label_on_a_task_never_loosens(rules in rules(), tasks in tasks()) {
            for task in &tasks {
                let unlabeled = (task.0, task.1, task.2, "", task.4);
                prop_assert!(is_strict(&judge(&rules, task), &judge(&rules, &unlabeled)), "{task:?}");
            }
        }

        #[test]
        fn d_05_the_same_rules_are_not_looser(rules in rules()) {
            prop_assert!(rules.are_at_least_as_strict_as(&rules));
        }
    }

    fn one(rule: Rule) -> Rules {
        Rules::new(vec![rule]).unwrap()
    }

    #[test]
    fn d_05_ordinary_changes_are_recognized() {
        let old = Rules::default();
        let changed = |change: fn(&mut Vec<Rule>)| {
            let mut rules: Vec<_> = old.iter().cloned().collect();
            change(&mut rules);
            Rules::new(rules).unwrap().are_at_least_as_strict_as(&old)
        };
        assert!(changed(|rules| rules[0].verdict = DEFAULT_VERDICT));
        assert!(changed(|rules| drop(rules.remove(0))), "isolated scripts require approval then");
        assert!(changed(|rules| rules[0].name = "another name".into()));
        assert!(changed(|rules| rules[0].organizations = vec![organization(1)]), "others require approval then");
        assert!(!changed(|rules| rules[1].verdict = Verdict::Run));
        assert!(!changed(|rules| rules[0].networks.clear()));
        let night = |from, to| Some(Hours { from, to, zone: "Europe/Berlin".parse().unwrap() });
        let closed = |from, to| one(Rule { hours: night(from, to), ..Rule::new("night", Verdict::Refuse) });
        assert!(closed(20, 7).are_at_least_as_strict_as(&closed(22, 6)));
        assert!(!closed(22, 6).are_at_least_as_strict_as(&closed(20, 7)));
        let production = one(Rule { labels: Labels::parse("env=prod").unwrap(), ..Rule::new("r", Verdict::Refuse) });
        assert!(!one(Rule::new("all", DEFAULT_VERDICT)).are_at_least_as_strict_as(&production));
    }

    #[test]
    fn d_05_rules_with_too_many_cases_are_not_proven() {
        let many = |n: u128| Rule {
            organizations: (n * 20..n * 20 + 20).map(organization).collect(),
            submitters: (n * 20..n * 20 + 20).map(submitter).collect(),
            ..Rule::new("r", DEFAULT_VERDICT)
        };
        let large = Rules::new((0..20).map(many).collect()).unwrap();
        assert!(!large.are_at_least_as_strict_as(&large));
    }
}
