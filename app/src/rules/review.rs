//! Review of a change before it is saved, and of a proposal before it is confirmed: what changes, and for which past tasks.
use super::{
    actions::ChangeRules,
    changes::{Difference, Impact, ImpactView},
    choices::Choices,
    draft::{Row, check, fields, read},
    simulator::Simulator,
};
use crate::{
    approvals::actions::{ConfirmChange, DeclineChange},
    outcome::Refusal,
    ui::{Button, ButtonVariant, Form, FormState, LinkButton, Page, PageFuture, Section, UntrustedText, ctx, page},
};
use domain::{Actor, rule::Rules};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/rules/review`, for admins. The rows are in the query.
pub fn review() -> PageFuture {
    page(review_rules)
}

async fn review_rules(actor: Actor) -> Result<Page, Refusal> {
    ctx::admins_only(&actor)?;
    let here = ctx::here();
    let version = here.get("version").and_then(|version| version.parse().ok()).unwrap_or(0);
    let query: Vec<_> = here.query().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let rules = check(&read(&query))?;
    let rows: Vec<_> = rules.iter().map(Row::from).collect();
    let mut store = ctx::store()?.read(&actor).await?;
    let current = store.rules().await?;
    let dual_control = store.approval_policy().await?.dual_control;
    let (choices, names) = Choices::read(&mut store, &actor, &[&current.rules, &rules]).await?;
    let impact = Impact::read(&mut store, &current.rules, &rules, ctx::now()).await?;
    let (is_same, is_outdated) = (current.rules == rules, current.version != version);
    let says_outdated = is_outdated && !FormState::of(ChangeRules::PATH, &[]).refused();
    let hidden = fields(version, &rows);
    let inputs =
        hidden.clone().into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    let inputs = inputs.collect_view();
    let page = Page::new(Section::Rules, t!("rules-review-title")).breadcrumb("/rules/edit", t!("rules-change"));
    Ok(page.lead(t!("rules-review-lead")).body(view! {
        {says_outdated.then(|| view! { <p class="notice" role="alert">{t!("conflict-rules-changed")}</p> })}
        <section>
            <h2>{t!("rules-changes")}</h2>
            {(!is_same).then(|| view! { <Strictness old=current.rules.clone() new=rules.clone() dual_control=dual_control /> })}
            <div class="mt-4"><Difference old=current.rules new=rules.clone() names=names.clone() /></div>
        </section>
        <ImpactView impact=impact />
        <section>
            <Form action=ChangeRules::PATH>
                {inputs}
                <div class="form-buttons">
                    {(!is_same && !is_outdated).then(|| view! { <Button variant=ButtonVariant::Primary>{t!("rules-save")}</Button> })}
                    <button class="button" type="submit" formmethod="get" formnovalidate formaction="/rules/edit">{t!("rules-edit-more")}</button>
                    <LinkButton href="/rules">{t!("discard")}</LinkButton>
                </div>
                <p class="help">{t!("rules-consequence")}</p>
            </Form>
        </section>
        <Simulator rules=rules names=names choices=choices hidden=hidden />
    }))
}

/// Whether the new rules are proven to be at least as strict, and what follows if they are not.
#[component]
fn Strictness(old: Rules, new: Rules, dual_control: bool) -> impl IntoView {
    match new.are_at_least_as_strict_as(&old) {
        true => view! { <p class="help">{t!("rules-not-looser")}</p> }.into_any(),
        false => view! {
            <p class="notice">
                {t!("rules-looser")}
                {dual_control.then(|| format!(" {}", t!("rules-looser-confirmation")))}
            </p>
        }
        .into_any(),
    }
}

/// `/rules/proposals/{id}`, for those who can confirm it and for its requester.
pub fn proposal() -> PageFuture {
    page(proposal_page)
}

async fn proposal_page(actor: Actor) -> Result<Page, Refusal> {
    let mut store = ctx::store()?.read(&actor).await?;
    let (request, version, rules) = store.rules_proposal(ctx::param("id")?).await?;
    let before = store.rules_version(version).await?.rules;
    let names = store.rule_names(&[&before, &rules]).await?;
    let impact = Impact::read(&mut store, &before, &rules, ctx::now()).await?;
    // Missing step-up authentication does not hide the form: it is required on submission.
    let may_confirm = actor.may(request.confirm_action()).map_or_else(|denied| denied.stale, |_| true);
    let is_own = actor.person() == Some(request.requester_id);
    let may_close = actor.may(request.decline_action()).is_ok();
    let hidden = move || vec![("id", request.id.to_string())];
    let close = if is_own { t!("confirmation-withdraw") } else { t!("confirmation-decline") };
    let page = Page::new(Section::Rules, t!("rules-proposal-title"));
    Ok(page.lead(t!("rules-proposal-lead", version = version)).body(view! {
        <p><UntrustedText text=t!("rules-proposed", name = request.requester.clone()) /></p>
        <section>
            <h2>{t!("rules-changes")}</h2>
            <Difference old=before new=rules names=names />
        </section>
        <ImpactView impact=impact />
        <div class="form-buttons">
            {may_confirm.then(|| view! {
                <Form action=ConfirmChange::PATH hidden=hidden()>
                    <Button variant=ButtonVariant::Primary>{t!("confirmation-confirm")}</Button>
                </Form>
            })}
            {may_close.then(|| view! { <Form action=DeclineChange::PATH hidden=hidden() page="/rules"><Button>{close}</Button></Form> })}
        </div>
    }))
}
