//! Audit events in a table.
use crate::ui::{Badge, BadgeTone, Glyph, Table, TimeAgo, Trait, UntrustedText};
use leptos::prelude::*;
use serde_json::Value;
use store::AuditRow;

/// Audit events, with a link to each for readers of the audit log.
#[component]
pub fn AuditTable(
    rows: Vec<AuditRow>,
    caption: String,
    /// Whether the reader may open each event.
    links: bool,
    /// Whether the target column is shown.
    #[prop(optional)]
    targets: bool,
) -> impl IntoView {
    let target = targets.then(|| t!("audit-target"));
    let headings = [t!("audit-seq"), t!("audit-action"), t!("audit-who")].into_iter().chain(target);
    let headings = headings.chain([t!("audit-outcome"), t!("audit-at")]).collect();
    let row = move |row: AuditRow| {
        let seq = row.seq.to_string();
        let name = match links {
            true => view! { <a class="row-link" href=format!("/audit/{seq}")>{seq.clone()}</a> }.into_any(),
            false => seq.into_any(),
        };
        let by = actor_name(&row);
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td><code>{row.action}</code></td>
                <td><UntrustedText text=by /></td>
                {targets.then(|| view! { <td>{row.target_kind}" "<code>{short(&row.target_id)}</code></td> })}
                <td><OutcomeBadge outcome=row.outcome />{row.altered.then(|| view! { " "<Badge tone=BadgeTone::Bad label=t!("audit-altered") /> })}</td>
                <td><TimeAgo at=row.at /></td>
            </tr>
        }
    };
    view! {
        <Table caption=caption headings=headings>
            {rows.into_iter().map(row).collect_view()}
        </Table>
    }
}

#[component]
pub fn OutcomeBadge(
    /// `done` or `refused`.
    outcome: String,
) -> impl IntoView {
    match outcome.as_str() {
        "done" => view! { <Trait glyph=Glyph::Tick label=t!("audit-done") /> }.into_any(),
        _ => view! { <Badge tone=BadgeTone::Bad label=t!("audit-refused") /> }.into_any(),
    }
}

/// Returns the end of an id; its beginning is a timestamp, which many ids share.
fn short(id: &str) -> String {
    match id.rsplit_once('-') {
        Some((_, end)) => format!("…{end}"),
        None => id.to_owned(),
    }
}

/// Returns the name of the actor, unless it was erased.
pub fn actor_name(row: &AuditRow) -> String {
    let personal: Option<Value> = row.personal.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let name = personal.as_ref().and_then(|personal| personal.pointer("/actor/name")?.as_str().map(str::to_owned));
    name.unwrap_or_else(|| t!("audit-erased-name"))
}
