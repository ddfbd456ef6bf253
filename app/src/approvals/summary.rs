//! Summary of an approval request: why it should run, what it can reach, and its risks.
use super::changes::Comparison;
use crate::{
    tasks::labels::{NetworkBadge, network_explanation},
    ui::{Badge, BadgeTone, Glyph, UntrustedText},
};
use domain::{network::NetworkPolicy, request::Request};
use leptos::prelude::*;

/// The purpose, the ticket, one sentence about reach, and chips for the risks.
#[component]
pub fn Summary(request: Request, risks: Risks) -> impl IntoView {
    let purpose = match request.purpose {
        Some(text) => text
            .split('\n')
            .map(|line| view! { <p class="purpose"><UntrustedText text=line /></p> })
            .collect_view()
            .into_any(),
        None => view! { <p class="muted">{t!("approval-no-purpose")}</p> }.into_any(),
    };
    view! {
        <section class="request-about" aria-label=t!("approval-about")>
            <div>{purpose}</div>
            {request.ticket.map(|url| view! { <p><TicketLink url=url /></p> })}
            <p>{reach(request.network.policy)}</p>
            <RiskChips risks=risks policy=request.network.policy />
        </section>
    }
}

/// Says in one sentence what a task can reach.
pub fn reach(policy: NetworkPolicy) -> String {
    match policy {
        NetworkPolicy::Unrestricted => t!("approval-reach-unrestricted"),
        policy => network_explanation(policy),
    }
}

/// The link to a ticket. Its address is its text, because the requester chose it.
#[component]
pub fn TicketLink(url: String) -> impl IntoView {
    let text = url.clone();
    view! { <a class="break" href=url rel="noopener noreferrer nofollow">{text}</a> }
}

/// Risks of a request besides its network policy.
#[derive(Clone, Copy, Debug)]
pub struct Risks {
    never_approved: bool,
    hidden_characters: bool,
    by_key: bool,
}

impl Risks {
    pub fn of(request: &Request, script: &str, compared: Option<&Comparison>) -> Self {
        Self {
            never_approved: compared.is_none(),
            hidden_characters: domain::text::count_hidden(script) > 0,
            by_key: request.key.is_some(),
        }
    }
}

#[component]
fn RiskChips(risks: Risks, policy: NetworkPolicy) -> impl IntoView {
    let chip = |on: bool, tone, glyph, label: String| on.then(|| view! { <Badge tone=tone glyph=glyph label=label /> });
    view! {
        <p class="request-risks">
            <NetworkBadge policy=policy />
            {chip(risks.never_approved, BadgeTone::Stopped, Glyph::Warning, t!("changes-never"))}
            {chip(risks.hidden_characters, BadgeTone::Bad, Glyph::Warning, t!("approval-risk-hidden"))}
            {chip(risks.by_key, BadgeTone::Stopped, Glyph::Key, t!("approval-risk-key"))}
        </p>
    }
}
