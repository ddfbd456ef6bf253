//! Editor of the rules: draft rows in forms, which change nothing until they are reviewed and saved.
use super::{
    actions::ReviewRules,
    choices::Choices,
    draft::{Row, check, field, list, read},
    words::line,
};
use crate::{
    outcome::Refusal,
    ui::{
        Button, ButtonVariant, Checkbox, Choice, Field, Form, FormState, Group, LinkButton, Page, PageFuture, Section,
        Select, UntrustedText, ctx, labels, page,
    },
};
use domain::{Actor, network::NetworkPolicy, rule::Effect, task::Tool};
use islands::UnsavedEdits;
use leptos::{prelude::*, server_fn::ServerFn};
use store::RuleNames;

/// `/rules/edit`, for admins.
pub fn edit() -> PageFuture {
    page(edit_rules)
}

async fn edit_rules(actor: Actor) -> Result<Page, Refusal> {
    ctx::admins_only(&actor)?;
    let mut store = ctx::store()?.read(&actor).await?;
    let stored = store.rules().await?;
    let is_draft = draft().is_some();
    let (version, rows) = draft().unwrap_or_else(|| (stored.version, stored.rules.iter().map(Row::from).collect()));
    let drafted = check(&rows).ok();
    let named: Vec<_> = [&stored.rules].into_iter().chain(&drafted).collect();
    let (choices, names) = Choices::read(&mut store, &actor, &named).await?;
    let (version, last) = (version.to_string(), rows.len().saturating_sub(1));
    let editor =
        move |(n, row)| view! { <Editor n=n last=n == last row=row choices=choices.clone() names=names.clone() /> };
    let page = Page::new(Section::Rules, t!("rules-change")).lead(t!("rules-change-lead"));
    Ok(page.body(view! {
        <Form action=ReviewRules::PATH page="/rules/edit">
            <input type="hidden" name="version" value=version />
            // Rendered inside the form, because fields find their form in its context.
            {rows.into_iter().enumerate().map(editor).collect_view()}
            <div class="form-buttons">
                // Enter presses the first button of a form, which must be the one that reviews.
                <Button variant=ButtonVariant::Primary>{t!("rules-review")}</Button>
                <DraftButton value="add".into() to=last + 2>{t!("rule-add")}</DraftButton>
                <LinkButton href="/rules">{t!("discard")}</LinkButton>
            </div>
            <p class="help">{t!("rules-consequence")}</p>
        </Form>
        <UnsavedEdits form=FormState::of(ReviewRules::PATH, &[]).id changed=is_draft />
    }))
}

/// Returns the submitted rows or the rows in the query, if there are any.
fn draft() -> Option<(i64, Vec<Row>)> {
    let here = ctx::here();
    let draft: Vec<_> = match ctx::answered() {
        Some(answered) if FormState::of(ReviewRules::PATH, &[]).refused() => answered.values,
        _ => here.query().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    };
    let (_, version) = draft.iter().find(|(name, _)| name == "version")?;
    Some((version.parse().unwrap_or(0), read(&draft)))
}

/// A button that changes only the rows in the query.
#[component]
fn DraftButton(
    value: String,
    /// The number of the rule to scroll to.
    to: usize,
    #[prop(optional, into)] label: Option<String>,
    children: Children,
) -> impl IntoView {
    view! {
        <button
            class="button" type="submit" name="do" value=value formmethod="get" formnovalidate
            formaction=format!("/rules/edit#rule-{to}")
            aria-label=label
        >
            {children()}
        </button>
    }
}

#[component]
fn Editor(n: usize, last: bool, row: Row, choices: Choices, names: RuleNames) -> impl IntoView {
    let number = n + 1;
    let effects = Effect::ALL.iter().map(|effect| Choice::new(effect.as_str(), labels::effect(*effect))).collect();
    let sentence = check(std::slice::from_ref(&row)).ok();
    let sentence = sentence.and_then(|rules| rules.iter().next().map(|rule| line(rule, &names)));
    let is_refused = use_context::<FormState>().is_some_and(|form| form.refused());
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
    let more = is_refused
        || !(tools.is_empty()
            && organizations.is_empty()
            && submitters.is_empty()
            && labels.is_empty()
            && from.is_empty());
    let ticks = move |field: &'static str, choices: Vec<Choice>, chosen: Vec<String>| {
        let tick = move |Choice { value, label }: Choice| {
            let ticked = chosen.contains(&value);
            view! { <Checkbox name=list(n, field) value=value label=label ticked=ticked /> }
        };
        choices.into_iter().map(tick).collect_view()
    };
    let tool_choices = Tool::ALL.iter().map(|tool| Choice::new(tool.as_str(), labels::tool(*tool))).collect();
    let network_choices = NetworkPolicy::ALL.iter().map(|v| Choice::new(v.as_str(), labels::network(*v))).collect();
    let Choices { organizations: organization_choices, submitters: submitter_choices } = choices;
    view! {
        <fieldset class="rule" id=format!("rule-{number}") tabindex="-1">
            <legend>{t!("rule-legend", n = number)}</legend>
            {sentence.map(|text| view! { <p class="muted"><UntrustedText text=text /></p> })}
            <Field name=field(n, "name") label=t!("rule-name") value=name required=true />
            <Group name=field(n, "networks") label=t!("rule-networks") help=t!("rule-networks-help")>
                {ticks("networks", network_choices, networks)}
            </Group>
            <details open=more>
                <summary>{t!("rule-more")}</summary>
                <div class="mt-4 grid gap-4">
                    <Group name=field(n, "organizations") label=t!("rule-organizations") help=t!("rule-organizations-help")>
                        {ticks("organizations", organization_choices, organizations)}
                    </Group>
                    <Group name=field(n, "submitters") label=t!("rule-submitters") help=t!("rule-submitters-help")>
                        {ticks("submitters", submitter_choices, submitters)}
                    </Group>
                    <Group name=field(n, "tools") label=t!("rule-tools") help=t!("rule-tools-help")>
                        {ticks("tools", tool_choices, tools)}
                    </Group>
                    <Field name=field(n, "labels") label=t!("rule-labels") help=t!("rule-labels-help") value=labels />
                    <div class="form-row">
                        <Field name=field(n, "from") label=t!("rule-from") help=t!("rule-from-help") kind="number" min=0 max=23 value=from />
                        <Field name=field(n, "to") label=t!("rule-to") help=t!("rule-to-help") kind="number" min=0 max=23 value=to />
                        <Field name=field(n, "zone") label=t!("rule-zone") help=t!("rule-zone-help") value=zone />
                    </div>
                </div>
            </details>
            <Select name=field(n, "effect") label=t!("rule-effect") choices=effects value=effect />
            <div class="form-row">
                <Field name=field(n, "approvers") label=t!("rule-approvers") help=t!("rule-approvers-help") kind="number" min=1 max=9 value=approvers />
                <Field name=field(n, "hours") label=t!("rule-hours") help=t!("rule-hours-help") kind="number" min=1 max=720 value=hours />
            </div>
            <Checkbox name=field(n, "passkey") label=t!("rule-passkey") help=t!("rule-passkey-help") ticked=passkey == "true" />
            <Checkbox name=field(n, "requires_purpose") label=t!("rule-purpose") help=t!("rule-purpose-help") ticked=requires_purpose == "true" />
            <div class="form-buttons">
                {(n > 0).then(|| view! { <DraftButton value=format!("up-{n}") to=n label=t!("rule-up-of", n = number)>{t!("rule-up")}</DraftButton> })}
                {(!last).then(|| view! { <DraftButton value=format!("down-{n}") to=number + 1 label=t!("rule-down-of", n = number)>{t!("rule-down")}</DraftButton> })}
                <DraftButton value=format!("remove-{n}") to=n.max(1) label=t!("rule-remove-of", n = number)>{t!("rule-remove")}</DraftButton>
            </div>
        </fieldset>
    }
}
