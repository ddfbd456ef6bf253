//! Settings, Authentication: the providers that lead in, and what is closed.
use super::groups::{Misnamed, misnamed};
use crate::{
    outcome::{Kind, Refusal},
    ui::{
        Badge, Empty, Fact, Facts, LinkButton, Live, Look, Meaning, Moment, Page, Place, Revealed, RowLink, Showing,
        Table, ctx, page,
    },
};
use auth::providers::{ProbeResult, ProviderSummary};
use domain::{Actor, provider::Provider};
use leptos::prelude::*;
use store::{BreakGlass, ProviderRow};

/// The providers.
pub fn list() -> Showing {
    page(authentication)
}

async fn authentication(actor: Actor) -> Result<Page, Refusal> {
    if !actor.reads_everything() {
        return Err(Refusal::new(Kind::Forbidden, t!("admins-only")));
    }
    let (store, sign_in) = (ctx::store()?, ctx::sign_in()?);
    let (configured, primary) = (sign_in.configured_providers().await?, sign_in.primary_provider());
    let mut read = store.read(&actor).await?;
    let (own, glass) = (read.providers().await?, read.break_glass(store.now()).await?);
    let made = own.iter().map(ProviderRow::provider).collect::<Result<Vec<_>, _>>()?;
    let all = configured.iter().map(|known| &known.provider).chain(&made).collect::<Vec<_>>();
    let misnamed = misnamed(&mut read, &all).await?;
    drop(read);
    let new =
        || view! { <LinkButton href="/settings/authentication/new" look=Look::Main>{t!("provider-new")}</LinkButton> };
    let new = actor.is_admin().then(new);
    let page = Page::new(Place::Authentication, t!("nav-authentication")).lead(t!("providers-lead"));
    let ways = match (&primary, sign_in.sign_in_options(Some(actor.tenant)).await?.providers.as_slice()) {
        (None, _) => t!("providers-all-open"),
        (Some(_), [only]) => t!("providers-one-open", provider = only.label.clone()),
        (Some(key), _) => t!("providers-none-open", key = (*key).to_owned()),
    };
    let list = match own.is_empty() && configured.is_empty() {
        true => view! { <Empty title=t!("providers-empty") text=t!("providers-empty-text") /> }.into_any(),
        false => table(configured, own, primary)?.into_any(),
    };
    Ok(page.action(new).body(view! {
        <BrokenGlass glass=glass />
        <Misnamed found=misnamed />
        <p>{ways}</p>
        <Live topics="people" region="providers">{list}</Live>
        <Facts>
            <Fact name=t!("providers-page")>
                <code class="break">{format!("/sign-in?tenant={}", actor.tenant)}</code>
            </Fact>
        </Facts>
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
        let state = State::of(&provider, &key, primary);
        rows.push(
            view! {
                <tr>
                    <th scope="row"><Revealed text=provider.label /></th>
                    <td><Revealed text=provider.issuer /></td>
                    <td><StateBadge state=state /></td>
                    <td>{t!("provider-in-file")}</td>
                </tr>
            }
            .into_any(),
        );
    }
    for row in own {
        let provider = row.provider()?;
        let state = State::of(&provider, &row.id.to_string(), primary);
        rows.push(view! {
            <tr>
                <RowLink href=format!("/settings/authentication/{}", row.id)><Revealed text=provider.label /></RowLink>
                <td><Revealed text=provider.issuer /></td>
                <td><StateBadge state=state /></td>
                <td><Moment at=row.changed_at /></td>
            </tr>
        }.into_any());
    }
    Ok(view! { <Table caption=t!("nav-authentication") headings=headings>{rows}</Table> })
}

/// Whether a provider leads in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    On,
    /// It was switched off.
    Off,
    /// Another one is the only way in.
    Closed,
}

impl State {
    pub(super) fn of(provider: &Provider, key: &str, primary: Option<&str>) -> Self {
        match primary {
            _ if !provider.enabled => Self::Off,
            Some(primary) if primary != key => Self::Closed,
            _ => Self::On,
        }
    }
}

/// The same as a badge.
#[component]
pub fn StateBadge(
    /// Which.
    state: State,
) -> impl IntoView {
    match state {
        State::On => view! { <Badge meaning=Meaning::Good word=t!("provider-on") /> },
        State::Off => view! { <Badge meaning=Meaning::Stopped word=t!("provider-off") /> },
        State::Closed => view! { <Badge meaning=Meaning::Stopped word=t!("provider-shut") /> },
    }
}

/// Who may come in past the one way, until when and why: never overlooked.
#[component]
fn BrokenGlass(glass: Vec<BreakGlass>) -> impl IntoView {
    let line = |one: BreakGlass| {
        view! {
            <li>
                <Revealed text=one.email />" "{t!("glass-until")}" "<Moment at=one.expires_at />": "
                <Revealed text=one.reason />
            </li>
        }
    };
    (!glass.is_empty()).then(|| {
        view! {
            <div class="errors" role="status">
                <p>{t!("glass-open")}</p>
                <ul>{glass.into_iter().map(line).collect_view()}</ul>
                <p>{t!("glass-close")}</p>
            </div>
        }
    })
}

/// What a provider said of itself, a line each.
pub(super) fn findings(found: ProbeResult) -> String {
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
