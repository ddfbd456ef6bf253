//! The list of the tenant's runners.
use super::{
    posture::{Posture, SandboxBadge},
    state::{LastSeen, RunnerState, RunnerStateBadge},
};
use crate::{
    outcome::Refusal,
    ui::{
        ButtonVariant, EmptyState, LinkButton, Live, Page, PageFuture, RowLink, Section, Table, TruncationNote, ctx,
        page,
    },
};
use domain::{Actor, Timestamp};
use leptos::prelude::*;
use store::Runner;

/// `/runners`. Everyone may see which runners could run their tasks.
pub fn list() -> PageFuture {
    page(runners_page)
}

const MAX_RUNNERS: usize = 500;

async fn runners_page(actor: Actor) -> Result<Page, Refusal> {
    let rows = ctx::store()?.read(&actor).await?.runners().await?;
    let now = ctx::now();
    let new =
        || view! { <LinkButton href="/runners/new" variant=ButtonVariant::Primary>{t!("runner-new")}</LinkButton> };
    let admin = actor.is_admin();
    let page = Page::new(Section::Runners, t!("nav-runners")).lead(t!("runners-lead"));
    let list = match rows.is_empty() {
        true => {
            view! { <EmptyState title=t!("runners-empty") text=t!("runners-empty-text")>{admin.then(new)}</EmptyState> }
                .into_any()
        }
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
        let limiter = posture.as_ref().map_or_else(|| t!("runner-not-reported"), |posture| posture.limiter.clone());
        let state = RunnerState::of(&runner, now);
        view! {
            <tr>
                <RowLink href=format!("/runners/{}", runner.id)>{runner.name}</RowLink>
                <td><RunnerStateBadge state=state /></td>
                <td><SandboxBadge posture=posture /></td>
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
        <TruncationNote shown=shown limit=MAX_RUNNERS />
    }
}
