//! Versions of the rules: their list, and one of them beside another.
use super::{
    changes::Difference,
    draft::{Row, address},
    words::RuleList,
};
use crate::{
    outcome::{Kind, Refusal},
    ui::{
        Badge, BadgeTone, ButtonVariant, Field, LinkButton, Page, PageFuture, Pager, RowLink, Section, Table, TimeAgo,
        UntrustedText, ctx, page,
    },
};
use domain::{Actor, rule::Rules};
use leptos::prelude::*;

const PAGE_SIZE: u32 = 50;

/// `/rules/versions`, newest first. Everyone may read them, as the rules in force.
pub fn list_versions() -> PageFuture {
    page(versions_page)
}

async fn versions_page(actor: Actor) -> Result<Page, Refusal> {
    let before = ctx::here().get("after").and_then(|version| version.parse().ok());
    let mut read = ctx::store()?.read(&actor).await?;
    let current = read.rules().await?.version;
    let mut rows = read.rules_versions(before, PAGE_SIZE + 1).await?;
    let size = usize::try_from(PAGE_SIZE).unwrap_or(usize::MAX);
    let is_cut = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| is_cut).map(|row| row.version.to_string());
    let headings = vec![t!("rules-version"), t!("rules-author"), t!("rules-changed-at")];
    let row = move |row: store::RulesVersionRow| {
        let in_force =
            (row.version == current).then(|| view! { " "<Badge tone=BadgeTone::Good label=t!("rules-in-force") /> });
        view! {
            <tr>
                <RowLink href=format!("/rules/versions/{}", row.version)>{t!("rules-version-of", version = row.version)}</RowLink>
                <td><UntrustedText text=row.author.unwrap_or_else(|| t!("rules-no-author")) />{in_force}</td>
                <td><TimeAgo at=row.changed_at /></td>
            </tr>
        }
    };
    let page = Page::new(Section::Rules, t!("rules-versions"));
    Ok(page.lead(t!("rules-versions-lead")).body(view! {
        <Table caption=t!("rules-versions") headings=headings>{rows.into_iter().map(row).collect_view()}</Table>
        <Pager next=next newer=None />
    }))
}

/// `/rules/versions/{version}`, compared with the one before or with `?against=`.
pub fn version() -> PageFuture {
    page(version_page)
}

async fn version_page(actor: Actor) -> Result<Page, Refusal> {
    let version: i64 = ctx::param("version")?;
    let mut read = ctx::store()?.read(&actor).await?;
    let current = read.rules().await?.version;
    let rules = read.rules_version(version).await?.rules;
    let here = read.rules_versions(Some(version.saturating_add(1)), 1).await?.into_iter().next();
    let here = here.ok_or_else(|| Refusal::new(Kind::NotFound, t!("refused-not-found")))?;
    let against = ctx::here().get("against").map_or(Ok(version - 1), ctx::id)?;
    let other = match against {
        1.. => Some(read.rules_version(against).await?.rules),
        _ => None,
    };
    let named: Vec<&Rules> = [&rules].into_iter().chain(&other).collect();
    let names = read.rule_names(&named).await?;
    let rows: Vec<_> = rules.iter().map(Row::from).collect();
    let restore = (actor.is_admin() && version != current).then(|| {
        let href = address("/rules/review", current, &rows);
        view! { <LinkButton href=href variant=ButtonVariant::Primary>{t!("rules-restore")}</LinkButton> }
    });
    let page = Page::new(Section::Rules, t!("rules-version-of", version = version)).action(restore);
    let page = page.breadcrumb("/rules/versions", t!("rules-versions"));
    Ok(page.body(view! {
        <p>
            <UntrustedText text=t!("rules-last-change", version = version, name = here.author.unwrap_or_else(|| t!("rules-no-author"))) />
            " "<TimeAgo at=here.changed_at />
        </p>
        <RuleList rules=rules.iter().cloned().collect() names=names.clone() />
        {other.map(|other| view! {
            <section>
                <h2>{t!("rules-changes-since", version = against)}</h2>
                <Difference old=other new=rules names=names />
                <form class="form in-row" method="get" action=format!("/rules/versions/{version}")>
                    <Field name="against" label=t!("rules-against") kind="number" min=1 value=against.to_string() />
                    <button class="button" type="submit">{t!("rules-compare")}</button>
                </form>
            </section>
        })}
    }))
}
