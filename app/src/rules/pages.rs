//! Rules pages: the list, and the editor.
use super::{
    actions::ChangeRules,
    draft::{Row, field, list, read},
};
use crate::{
    outcome::Refusal,
    ui::{
        Badge, BadgeTone, Button, ButtonVariant, Checkbox, Choice, Field, Form, FormState, Glyph, Group, LinkButton,
        Live, Page, PageFuture, Section, Select, Table, UntrustedText, ctx, labels, page,
    },
};
use domain::{
    Actor,
    network::NetworkPolicy,
    rule::{Effect, Rule, Verdict},
    task::Tool,
};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/rules`, in evaluation order. Everyone may read the rules that apply to them.
pub fn list_rules() -> PageFuture {
    page(rules_page)
}

async fn rules_page(actor: Actor) -> Result<Page, Refusal> {
    let rules = ctx::store()?.read(&actor).await?.rules().await?.rules;
    let rows =
        rules.iter().enumerate().map(|(n, rule)| view! { <RuleRow number=n + 1 rule=rule.clone() /> }).collect_view();
    let headings = vec![t!("rule-number"), t!("rule-name"), t!("rule-tools"), t!("rule-networks"), t!("rule-effect")];
    let change = actor.is_admin().then(
        || view! { <LinkButton href="/rules/edit" variant=ButtonVariant::Primary>{t!("rules-change")}</LinkButton> },
    );
    Ok(Page::new(Section::Rules, t!("nav-rules")).lead(t!("rules-lead")).action(change).body(view! {
        <Live topics="rules" region="rules">
            <Table caption=t!("nav-rules") headings=headings>
                {rows}
            </Table>
        </Live>
        <p class="help">{t!("rules-otherwise")}</p>
    }))
}

#[component]
fn RuleRow(number: usize, rule: Rule) -> impl IntoView {
    let any = |names: Vec<String>| if names.is_empty() { t!("rule-any") } else { names.join(", ") };
    let (tools, networks) = (
        any(rule.tools.iter().map(|tool| labels::tool(*tool)).collect()),
        any(rule.networks.iter().map(|network| labels::network(*network)).collect()),
    );
    view! {
        <tr>
            <td>{number}</td>
            <th scope="row"><UntrustedText text=rule.name /></th>
            <td>{tools}</td>
            <td>{networks}</td>
            <td><VerdictView verdict=rule.verdict requires_purpose=rule.requires_purpose /></td>
        </tr>
    }
}

#[component]
fn VerdictView(verdict: Verdict, requires_purpose: bool) -> impl IntoView {
    match verdict {
        Verdict::Run => {
            view! { <Badge tone=BadgeTone::Good glyph=Glyph::Play label=labels::effect(Effect::Run) /> }.into_any()
        }
        Verdict::Refuse => view! { <Badge tone=BadgeTone::Bad label=labels::effect(Effect::Refuse) /> }.into_any(),
        Verdict::Ask { approvers, hours, passkey } => view! {
            <Badge tone=BadgeTone::Waiting label=labels::effect(Effect::Ask) />
            " "
            {t!("rule-asks", approvers = approvers, hours = hours)}
            {passkey.then(|| format!(", {}", t!("rule-asks-passkey")))}
            {requires_purpose.then(|| format!(", {}", t!("rule-asks-purpose")))}
        }
        .into_any(),
    }
}

/// `/rules/edit`, for admins.
pub fn edit() -> PageFuture {
    page(edit_rules)
}

async fn edit_rules(actor: Actor) -> Result<Page, Refusal> {
    ctx::admins_only(&actor)?;
    let (version, rows) = draft(&actor).await?;
    let (version, last) = (version.to_string(), rows.len().saturating_sub(1));
    let editor = move |(n, row)| view! { <Editor n=n last=n == last row=row /> };
    let page = Page::new(Section::Rules, t!("rules-change")).lead(t!("rules-change-lead"));
    Ok(page.body(view! {
        <Form action=ChangeRules::PATH page="/rules/edit">
            <input type="hidden" name="version" value=version />
            // Rendered inside the form, because fields find their form in its context.
            {rows.into_iter().enumerate().map(editor).collect_view()}
            <div class="form-buttons">
                // Enter presses the first button of a form, which must be the one that saves.
                <Button variant=ButtonVariant::Primary>{t!("rules-save")}</Button>
                <DraftButton value="add".into() to=last + 2>{t!("rule-add")}</DraftButton>
                <LinkButton href="/rules">{t!("discard")}</LinkButton>
            </div>
            <p class="help">{t!("rules-consequence")}</p>
        </Form>
    }))
}

/// Returns the submitted rows, the rows in the query, or the stored rules.
async fn draft(actor: &Actor) -> Result<(i64, Vec<Row>), Refusal> {
    let here = ctx::here();
    let draft: Vec<_> = match ctx::answered() {
        Some(answered) if FormState::of(ChangeRules::PATH, &[]).refused() => answered.values,
        _ => here.query().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    };
    if let Some((_, version)) = draft.iter().find(|(name, _)| name == "version") {
        let rows = read(&draft);
        return Ok((version.parse().unwrap_or(0), rows));
    }
    let stored = ctx::store()?.read(actor).await?.rules().await?;
    Ok((stored.version, stored.rules.iter().map(Row::from).collect()))
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
fn Editor(n: usize, last: bool, row: Row) -> impl IntoView {
    let number = n + 1;
    let effects = Effect::ALL.iter().map(|effect| Choice::new(effect.as_str(), labels::effect(*effect))).collect();
    let Row { name, tools, networks, effect, approvers, hours, passkey, requires_purpose } = row;
    let tool = move |tool: &Tool| {
        let ticked = tools.iter().any(|name| name == tool.as_str());
        view! { <Checkbox name=list(n, "tools") value=tool.as_str() label=labels::tool(*tool) ticked=ticked /> }
    };
    let network = move |policy: &NetworkPolicy| {
        let ticked = networks.iter().any(|name| name == policy.as_str());
        view! { <Checkbox name=list(n, "networks") value=policy.as_str() label=labels::network(*policy) ticked=ticked /> }
    };
    view! {
        <fieldset class="rule" id=format!("rule-{number}") tabindex="-1">
            <legend>{t!("rule-legend", n = number)}</legend>
            <Field name=field(n, "name") label=t!("rule-name") value=name required=true />
            <Group name=field(n, "tools") label=t!("rule-tools") help=t!("rule-tools-help")>
                {Tool::ALL.iter().map(tool).collect_view()}
            </Group>
            <Group name=field(n, "networks") label=t!("rule-networks") help=t!("rule-networks-help")>
                {NetworkPolicy::ALL.iter().map(network).collect_view()}
            </Group>
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
