//! Simulator: which rule decides about a task, and why.
use super::{
    choices::Choices,
    words::{VerdictView, conditions, step},
};
use crate::ui::{Address, Choice, Field, Select, Table, UntrustedText, ctx, labels};
use domain::{
    Invalid, OrganizationId, PersonId, Timestamp,
    label::Labels,
    network::NetworkPolicy,
    rule::{Facts, Rules},
    task::Tool,
};
use leptos::prelude::*;
use std::str::FromStr;
use store::RuleNames;

/// A form for a task, and the verdict on it. The form keeps `hidden`, so that it can be tried with rules that are not saved.
#[component]
pub fn Simulator(
    rules: Rules,
    names: RuleNames,
    choices: Choices,
    #[prop(optional)] hidden: Vec<(String, String)>,
) -> impl IntoView {
    let here = ctx::here();
    let tried = here.get("try").is_some().then(|| Tried::read(&here, &choices));
    let given = |name: &str| here.get(name).unwrap_or_default().to_owned();
    let networks = NetworkPolicy::ALL.iter().map(|v| Choice::new(v.as_str(), labels::network(*v))).collect();
    let tools = Tool::ALL.iter().map(|v| Choice::new(v.as_str(), labels::tool(*v))).collect();
    let hidden = hidden.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    let Choices { organizations, submitters } = choices;
    view! {
        <section id="try">
            <h2>{t!("rules-try")}</h2>
            <form class="form" method="get" action=format!("{}#try", here.path)>
                {hidden.collect_view()}
                <input type="hidden" name="try" value="1" />
                <div class="form-row">
                    <Select name="try-tool" label=t!("rules-try-tool") choices=tools value=given("try-tool") />
                    <Select name="try-network" label=t!("rules-try-network") choices=networks value=given("try-network") />
                    <Select name="try-organization" label=t!("rules-try-organization") choices=organizations value=given("try-organization") />
                    <Select name="try-submitter" label=t!("rules-submitter") choices=submitters value=given("try-submitter") />
                </div>
                <div class="form-row">
                    <Field name="try-labels" label=t!("rule-labels") help=t!("rules-try-labels-help") value=given("try-labels") />
                    <Field name="try-at" label=t!("rules-try-at") help=t!("rules-try-at-help") value=given("try-at") />
                </div>
                <div class="form-buttons"><button class="button" type="submit">{t!("rules-try-task")}</button></div>
            </form>
            {tried.map(|tried| match tried {
                Ok(tried) => view! { <Outcome rules=rules names=names tried=tried /> }.into_any(),
                Err(wrong) => view! { <p class="notice" role="alert">{t!("rules-try-invalid", field = wrong.field, reason = wrong.reason)}</p> }.into_any(),
            })}
        </section>
    }
}

/// The task of the form.
struct Tried {
    organization: OrganizationId,
    submitter: PersonId,
    tool: Tool,
    network: NetworkPolicy,
    labels: Labels,
    at: Timestamp,
}

impl Tried {
    fn read(here: &Address, choices: &Choices) -> Result<Self, Invalid> {
        let get = |name: &str| here.get(name).unwrap_or_default();
        let at = match get("try-at") {
            "" => ctx::now(),
            text => Timestamp::parse(text).ok_or_else(|| Invalid::new(&t!("rules-try-at"), t!("rules-try-at-help")))?,
        };
        Ok(Self {
            organization: chosen(get("try-organization"), &choices.organizations, &t!("rules-try-organization"))?,
            submitter: chosen(get("try-submitter"), &choices.submitters, &t!("rules-submitter"))?,
            tool: get("try-tool").parse()?,
            network: get("try-network").parse()?,
            labels: Labels::parse(get("try-labels"))?,
            at,
        })
    }
}

/// Parses an id that is among the choices.
fn chosen<T: FromStr>(id: &str, choices: &[Choice], label: &str) -> Result<T, Invalid> {
    let listed = choices.iter().any(|choice| choice.value == id);
    id.parse().ok().filter(|_| listed).ok_or_else(|| Invalid::new(label, t!("must-be-listed")))
}

#[component]
fn Outcome(rules: Rules, names: RuleNames, tried: Tried) -> impl IntoView {
    let Tried { organization, submitter, tool, network, labels, at } = &tried;
    let (organization, submitter, tool, network, at) = (*organization, *submitter, *tool, *network, *at);
    let found = rules.explain(&Facts { organization, submitter, tool, network, labels, at });
    let rows: Vec<_> = rules
        .iter()
        .zip(&found.steps)
        .map(|(rule, what)| (rule.name.clone(), conditions(rule, &names), step(*what)))
        .collect();
    let row = |(n, (name, sentence, what)): (usize, (String, String, String))| {
        view! {
            <tr>
                <td>{n + 1}</td>
                <th scope="row"><UntrustedText text=name /></th>
                <td><UntrustedText text=sentence /></td>
                <td>{what}</td>
            </tr>
        }
    };
    let headings = vec![t!("rule-number"), t!("rule-name"), t!("rule-condition"), t!("rules-try-why")];
    view! {
        <p role="status" class="mt-4"><VerdictView verdict=found.verdict />" "<UntrustedText text=t!("rules-try-rule", rule = found.rule.to_owned()) /></p>
        <Table caption=t!("rules-try-steps") headings=headings>{rows.into_iter().enumerate().map(row).collect_view()}</Table>
    }
}
