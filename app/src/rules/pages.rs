//! Rules page: the rules in force, and the simulator.
use super::{choices::Choices, simulator::Simulator, words::RuleList};
use crate::{
    outcome::Refusal,
    ui::{ButtonVariant, LinkButton, Live, Page, PageFuture, Section, TimeAgo, UntrustedText, ctx, page},
};
use domain::{Actor, confirmation::ProtectedChange};
use leptos::prelude::*;
use store::RulesVersionRow;

/// `/rules`, in evaluation order. Everyone may read the rules that apply to them.
pub fn list_rules() -> PageFuture {
    page(rules_page)
}

async fn rules_page(actor: Actor) -> Result<Page, Refusal> {
    let mut read = ctx::store()?.read(&actor).await?;
    let rules = read.rules().await?.rules;
    let last = read.rules_versions(None, 1).await?.into_iter().next();
    let (choices, names) = Choices::read(&mut read, &actor, &[&rules]).await?;
    let mut proposals = read.confirmations().await?;
    proposals.retain(|request| matches!(request.change, ProtectedChange::LoosenRules { .. }));
    let proposal = move |request: store::Confirmation| {
        let href = format!("/rules/proposals/{}", request.id);
        view! {
            <p class="notice">
                <UntrustedText text=t!("rules-proposed", name = request.requester) />" "<a href=href>{t!("change-loosen-rules-show")}</a>
            </p>
        }
    };
    let admin = actor.is_admin();
    let (listed, listed_names) = (rules.iter().cloned().collect(), names.clone());
    let actions = view! {
        <LinkButton href="/rules/versions">{t!("rules-versions")}</LinkButton>
        {admin.then(|| view! { <LinkButton href="/rules/edit" variant=ButtonVariant::Primary>{t!("rules-change")}</LinkButton> })}
    };
    Ok(Page::new(Section::Rules, t!("nav-rules")).lead(t!("rules-lead")).action(actions).body(view! {
        {proposals.into_iter().map(proposal).collect_view()}
        <Live topics="rules" region="rules">
            <RuleList rules=listed names=listed_names />
            {last.map(|last| view! { <LastChange last=last /> })}
        </Live>
        <p class="help">{t!("rules-otherwise")}" "{t!("rules-labels")}</p>
        <Simulator rules=rules names=names choices=choices />
    }))
}

#[component]
fn LastChange(last: RulesVersionRow) -> impl IntoView {
    let by = last.author.unwrap_or_else(|| t!("rules-no-author"));
    view! {
        <p class="help">
            <UntrustedText text=t!("rules-last-change", version = last.version, name = by) />" "<TimeAgo at=last.changed_at />
        </p>
    }
}
