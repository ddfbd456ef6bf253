//! The list of the tenant's runners.
use super::posture::{FitBadge, Posture};
pub use super::{enroll::new, one::one};
use crate::{
    outcome::Refusal,
    ui::{Badge, Cut, Empty, LinkButton, Live, Look, Meaning, Moment, Page, Place, RowLink, Showing, Table, ctx, page},
};
use domain::{Actor, Timestamp};
use leptos::prelude::*;
use store::Runner;

/// `/runners`. Everybody may see which runners could run their tasks.
pub fn list() -> Showing {
    page(runners)
}

const LISTED: usize = 500;

async fn runners(actor: Actor) -> Result<Page, Refusal> {
    let rows = ctx::store()?.read(&actor).await?.runners().await?;
    let now = ctx::now();
    let new = || view! { <LinkButton href="/runners/new" look=Look::Main>{t!("runner-new")}</LinkButton> };
    let admin = actor.is_admin();
    let page = Page::new(Place::Runners, t!("nav-runners")).lead(t!("runners-lead"));
    let list = match rows.is_empty() {
        true => view! { <Empty title=t!("runners-empty") text=t!("runners-empty-text")>{admin.then(new)}</Empty> }
            .into_any(),
        false => view! { <Rows rows=rows now=now /> }.into_any(),
    };
    Ok(page.action(admin.then(new)).body(view! { <Live topics="runners" region="runners">{list}</Live> }))
}

#[component]
fn Rows(rows: Vec<Runner>, now: Timestamp) -> impl IntoView {
    let headings = vec![
        t!("runner-name"),
        t!("runner-state"),
        t!("runner-sandbox"),
        t!("runner-limiter"),
        t!("runner-slots"),
        t!("runner-version"),
        t!("runner-last-seen"),
    ];
    let row = move |runner: Runner| {
        let posture = Posture::read(&runner.posture);
        let limiter = posture.as_ref().map_or_else(|| t!("runner-unsaid"), |said| said.limiter.clone());
        let state = Standing::of(&runner, now);
        view! {
            <tr>
                <RowLink href=format!("/runners/{}", runner.id)>{runner.name}</RowLink>
                <td><StandingBadge state=state /></td>
                <td><FitBadge posture=posture /></td>
                <td>{limiter}</td>
                <td>{runner.slots}</td>
                <td>{runner.version}</td>
                <td><LastSeen at=runner.last_seen_at /></td>
            </tr>
        }
    };
    let shown = rows.len();
    view! {
        <Table caption=t!("nav-runners") headings=headings>
            {rows.into_iter().map(row).collect_view()}
        </Table>
        <Cut shown=shown most=LISTED />
    }
}

/// Whether a runner can receive tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Connected,
    /// Disconnected; it may reconnect.
    Away,
    /// Its certificate has expired.
    Expired,
    Revoked,
}

impl Standing {
    /// Returns the state of a runner at a time.
    pub fn of(runner: &Runner, now: Timestamp) -> Self {
        match runner {
            Runner { revoked_at: Some(_), .. } => Self::Revoked,
            Runner { connected: true, .. } => Self::Connected,
            Runner { expires_at, .. } if *expires_at <= now => Self::Expired,
            _ => Self::Away,
        }
    }
}

#[component]
pub fn StandingBadge(
    state: Standing,
) -> impl IntoView {
    match state {
        Standing::Connected => view! { <Badge meaning=Meaning::Good word=t!("runner-connected") /> },
        Standing::Away => view! { <Badge meaning=Meaning::Waiting word=t!("runner-away") /> },
        Standing::Expired => view! { <Badge meaning=Meaning::Bad word=t!("runner-expired") /> },
        Standing::Revoked => view! { <Badge meaning=Meaning::Stopped word=t!("runner-revoked") /> },
    }
}

/// When the server last heard from a runner.
#[component]
pub fn LastSeen(
    at: Option<Timestamp>,
) -> impl IntoView {
    match at {
        Some(at) => view! { <Moment at=at /> }.into_any(),
        None => t!("runner-never-seen").into_any(),
    }
}
