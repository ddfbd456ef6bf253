//! The backup page of the settings: the schedule and the newest backup.
use super::{BackupSchedule, Backups};
use crate::{
    outcome::Refusal,
    ui::{
        Badge, BadgeTone, DescriptionItem, DescriptionList, EmptyState, LastUsed, Page, PageFuture, Section, ctx, page,
    },
};
use domain::Actor;
use leptos::prelude::*;

/// `/settings/backups`, for admins.
pub fn overview() -> PageFuture {
    page(backups)
}

async fn backups(actor: Actor) -> Result<Page, Refusal> {
    ctx::admins_only(&actor)?;
    let schedule = use_context::<Backups>().and_then(|Backups(schedule)| schedule());
    let page = Page::new(Section::Backups, t!("nav-backups")).lead(t!("backups-lead"));
    Ok(page.body(match schedule {
        None => view! { <EmptyState title=t!("backups-none") text=t!("backups-none-text") /> }.into_any(),
        Some(schedule) => view! { <Schedule schedule=schedule /> }.into_any(),
    }))
}

#[component]
fn Schedule(schedule: BackupSchedule) -> impl IntoView {
    let BackupSchedule { folder, interval, keep, last, has_failed } = schedule;
    let (tone, state) = match (has_failed, last) {
        (true, _) => (BadgeTone::Bad, t!("backups-failed")),
        (false, Some(_)) => (BadgeTone::Good, t!("backups-good")),
        (false, None) => (BadgeTone::Running, t!("backups-waiting")),
    };
    view! {
        <DescriptionList>
            <DescriptionItem name=t!("backups-state")><Badge tone=tone label=state /></DescriptionItem>
            <DescriptionItem name=t!("backups-last")><LastUsed at=last /></DescriptionItem>
            <DescriptionItem name=t!("backups-interval")>{t!("backups-minutes", n = interval.as_secs().div_ceil(60))}</DescriptionItem>
            <DescriptionItem name=t!("backups-keep")>{keep}</DescriptionItem>
            <DescriptionItem name=t!("backups-folder")><code class="break">{folder}</code></DescriptionItem>
        </DescriptionList>
        {has_failed.then(|| view! { <p class="notice">{t!("backups-failed-text")}</p> })}
        <p class="help">{t!("backups-keys")}</p>
    }
}
