//! The authentication settings page: identity providers and their states.
use super::group_rules::{StaleGroupRules, stale_group_rules};
use crate::{
    outcome::Refusal,
    ui::{
        Badge, BadgeTone, ButtonVariant, DescriptionItem, DescriptionList, EmptyState, LinkButton, Live, PLACEHOLDER,
        Page, PageFuture, RowLink, Section, Sentence, Table, TimeAgo, UntrustedText, ctx, page,
    },
};
use auth::providers::{ProbeResult, ProviderSummary};
use domain::{Actor, policy::DenialReason, provider::Provider};
use leptos::prelude::*;
use store::{BreakGlass, ProviderRow};

/// `/settings/authentication`.
pub fn list() -> PageFuture {
    page(authentication)
}

async fn authentication(actor: Actor) -> Result<Page, Refusal> {
    if !actor.can_read_everything() {
        return Err(DenialReason::AdminOnly.into());
    }
    let (store, sign_in) = (ctx::store()?, ctx::sign_in()?);
    let (configured, primary) = (sign_in.configured_providers().await?, sign_in.primary_provider());
    let mut read = store.read(&actor).await?;
    let (own, grants) = (read.providers().await?, read.break_glass(store.now()).await?);
    let made = own.iter().map(ProviderRow::provider).collect::<Result<Vec<_>, _>>()?;
    let all = configured.iter().map(|known| &known.provider).chain(&made).collect::<Vec<_>>();
    let stale = stale_group_rules(&mut read, &all).await?;
    drop(read);
    let new = || view! { <LinkButton href="/settings/authentication/new" variant=ButtonVariant::Primary>{t!("provider-new")}</LinkButton> };
    let new = actor.is_admin().then(new);
    let page = Page::new(Section::Authentication, t!("nav-authentication")).lead(t!("providers-lead"));
    let ways = match (&primary, sign_in.sign_in_options(Some(actor.tenant)).await?.providers.as_slice()) {
        (None, _) => t!("providers-all-open"),
        (Some(_), [only]) => t!("providers-one-open", provider = only.label.clone()),
        (Some(key), _) => t!("providers-none-open", key = (*key).to_owned()),
    };
    let list = match own.is_empty() && configured.is_empty() {
        true => view! { <EmptyState title=t!("providers-empty") text=t!("providers-empty-text") /> }.into_any(),
        false => table(configured, own, primary)?.into_any(),
    };
    Ok(page.action(new).body(view! {
        <OpenBreakGlass grants=grants />
        <StaleGroupRules found=stale />
        <p>{ways}</p>
        <Live topics="people" region="providers">{list}</Live>
        <DescriptionList>
            <DescriptionItem name=t!("providers-page")>
                <code class="break">{format!("/sign-in?tenant={}", actor.tenant)}</code>
            </DescriptionItem>
        </DescriptionList>
        <p class="help">{t!("providers-page-help")}</p>
    }))
}

fn table(
    configured: Vec<ProviderSummary>,
    own: Vec<ProviderRow>,
    primary: Option<&str>,
) -> Result<impl IntoView, Refusal> {
    let headings = vec![t!("provider-label"), t!("provider-issuer"), t!("provider-state"), t!("provider-changed")];
    let mut rows = vec![];
    for ProviderSummary { key, provider, .. } in configured {
        let state = ProviderState::of(&provider, &key, primary);
        rows.push(
            view! {
                <tr>
                    <th scope="row"><UntrustedText text=provider.label /></th>
                    <td><UntrustedText text=provider.issuer /></td>
                    <td><StateBadge state=state /></td>
                    <td>{t!("provider-in-file")}</td>
                </tr>
            }
            .into_any(),
        );
    }
    for row in own {
        let provider = row.provider()?;
        let state = ProviderState::of(&provider, &row.id.to_string(), primary);
        rows.push(view! {
            <tr>
                <RowLink href=format!("/settings/authentication/{}", row.id)><UntrustedText text=provider.label /></RowLink>
                <td><UntrustedText text=provider.issuer /></td>
                <td><StateBadge state=state /></td>
                <td><TimeAgo at=row.changed_at /></td>
            </tr>
        }.into_any());
    }
    Ok(view! { <Table caption=t!("nav-authentication") headings=headings>{rows}</Table> })
}

/// Whether people can sign in with a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderState {
    On,
    Off,
    /// Another provider is mandatory.
    Closed,
}

impl ProviderState {
    pub(super) fn of(provider: &Provider, key: &str, primary: Option<&str>) -> Self {
        match primary {
            _ if !provider.enabled => Self::Off,
            Some(primary) if primary != key => Self::Closed,
            _ => Self::On,
        }
    }
}

#[component]
pub fn StateBadge(state: ProviderState) -> impl IntoView {
    match state {
        ProviderState::On => view! { <Badge tone=BadgeTone::Good label=t!("provider-active") /> },
        ProviderState::Off => view! { <Badge tone=BadgeTone::Stopped label=t!("provider-disabled") /> },
        ProviderState::Closed => view! { <Badge tone=BadgeTone::Stopped label=t!("provider-unavailable") /> },
    }
}

/// The open break-glass grants: for whom, until when and why.
#[component]
fn OpenBreakGlass(grants: Vec<BreakGlass>) -> impl IntoView {
    let line = |grant: BreakGlass| {
        view! {
            <li>
                <UntrustedText text=grant.email />" "
                <Sentence text=t!("break-glass-until", time = PLACEHOLDER)><TimeAgo at=grant.expires_at /></Sentence>": "
                <UntrustedText text=grant.reason />
            </li>
        }
    };
    (!grants.is_empty()).then(|| {
        view! {
            <div class="errors" role="status">
                <p>{t!("break-glass-open")}</p>
                <ul>{grants.into_iter().map(line).collect_view()}</ul>
                <p>{t!("break-glass-close")}</p>
            </div>
        }
    })
}

/// Formats the discovery result, one line per fact.
pub(super) fn format_findings(found: ProbeResult) -> String {
    let algorithms = found.algorithms.join(", ");
    let github = found.authorization.is_none();
    let mut lines = vec![t!("provider-found-issuer", issuer = found.issuer)];
    let more = [
        found.authorization.map(|url| t!("provider-found-authorization", url = url)),
        found.token.map(|url| t!("provider-found-token", url = url)),
        found.userinfo.map(|url| t!("provider-found-userinfo", url = url)),
        (!github).then(|| t!("provider-found-keys", n = found.keys, algorithms = algorithms)),
        (!github && found.names_issuer).then(|| t!("provider-found-named")),
        github.then(|| t!("provider-found-github")),
        Some(t!("provider-found-redirect", url = found.redirect)),
    ];
    lines.extend(more.into_iter().flatten());
    lines.join("\n")
}
