//! The page of one audit event, with its position in the hash chain.
use super::table::{OutcomeBadge, actor_name};
use crate::{
    approvals::evidence::evidence_text,
    outcome::Refusal,
    ui::{
        Address, Badge, BadgeTone, DescriptionItem, DescriptionList, Digest, Page, PageFuture, Section, Source,
        TimeAgo, UntrustedText, ctx, page,
    },
};
use domain::{
    Action, Actor,
    policy::{self, ReadAudit},
};
use leptos::prelude::*;
use store::{AuditRow, Decision, Read};

/// `/audit/{seq}`.
pub fn event_page() -> PageFuture {
    page(load_event)
}

async fn load_event(actor: Actor) -> Result<Page, Refusal> {
    let seq: i64 = ctx::param("seq")?;
    let store = ctx::store()?;
    let proof = store.authorize(&actor, ReadAudit).await?;
    let mut read = store.read(&actor).await?;
    let (row, last) = (read.audit_record(&proof, seq).await?, read.audit_head().await?.seq);
    let erased_by = if row.personal.is_none() { read.erasure_of(&proof, seq).await? } else { None };
    let evidence = evidence(&mut read, &row).await?;
    let page = Page::new(Section::Audit, t!("audit-record", n = seq.to_string()));
    let page = page.badge(view! { <OutcomeBadge outcome=row.outcome.clone() /> });
    Ok(page.action(view! { <Neighbors seq=seq last=last /> }).body(view! {
        <div class="detail">
            <div class="detail-main">
                <section>
                    <h2>{t!("audit-body")}</h2>
                    <p class="help">{t!("audit-body-help")}</p>
                    <Source text=pretty(&row.body) label=t!("audit-body") />
                </section>
                <section>
                    <h2>{t!("audit-personal")}</h2>
                    <p class="help">{t!("audit-personal-help")}</p>
                    {match &row.personal {
                        Some(personal) => view! { <Source text=pretty(personal) label=t!("audit-personal") /> }.into_any(),
                        None => view! { <p>{missing_personal(erased_by)}</p> }.into_any(),
                    }}
                </section>
                <section>
                    <h2>{t!("audit-chain")}</h2>
                    <Chain intact=!row.altered previous=hex(&row.previous) hash=hex(&row.hash) />
                </section>
            </div>
            <Sidebar row=row evidence=evidence />
        </div>
    }))
}

/// Explains why an event has no personal data.
fn missing_personal(erased_by: Option<i64>) -> impl IntoView {
    match erased_by {
        Some(seq) => {
            let event = t!("audit-record", n = seq.to_string());
            view! { {t!("audit-erased")}" "<a href=format!("/audit/{seq}")>{event}</a> }.into_any()
        }
        None => t!("audit-erasure-unexplained").into_any(),
    }
}

/// Returns what confirms the decision that an event records; `None` for other events.
async fn evidence(read: &mut Read, row: &AuditRow) -> Result<Option<String>, Refusal> {
    let (true, Ok(task)) = (row.action == policy::Decide::NAME && row.outcome == "done", row.target_id.parse()) else {
        return Ok(None);
    };
    let decisions = read.decisions(task).await?;
    let recorded = |decision: &&Decision| (Some(decision.person_id), decision.created_at) == (row.person_id, row.at);
    // A decision that was repeated after the request had been opened again is no longer stored.
    let of_row = decisions.iter().find(recorded).map(|decision| evidence_text(&decision.evidence));
    Ok(Some(of_row.unwrap_or_else(|| t!("audit-decision-replaced"))))
}

#[component]
fn Neighbors(seq: i64, last: i64) -> impl IntoView {
    let to = |seq: i64, rel: &'static str, text: String| {
        view! { <a class="button" href=format!("/audit/{seq}") rel=rel>{text}</a> }
    };
    view! {
        {(seq > 1).then(|| to(seq - 1, "prev", t!("audit-previous")))}
        {(seq < last).then(|| to(seq + 1, "next", t!("audit-next")))}
    }
}

#[component]
fn Chain(intact: bool, previous: String, hash: String) -> impl IntoView {
    let badge = match intact {
        true => view! { <Badge tone=BadgeTone::Good label=t!("audit-intact") /> },
        false => view! { <Badge tone=BadgeTone::Bad label=t!("audit-broken") /> },
    };
    let text = if intact { t!("audit-intact-text") } else { t!("audit-broken-text") };
    view! {
        <p>{badge}" "{text}</p>
        <DescriptionList>
            <DescriptionItem name=t!("audit-hash-before")><Digest hex=previous /></DescriptionItem>
            <DescriptionItem name=t!("audit-hash")><Digest hex=hash /></DescriptionItem>
        </DescriptionList>
    }
}

#[component]
fn Sidebar(
    row: AuditRow,
    /// What shows that the approver made this decision, if it is one.
    evidence: Option<String>,
) -> impl IntoView {
    let (by, target) = (actor_name(&row), row.target_id.clone());
    let search = |name: &str, value: String| Address::new("/audit").with(name, value).to_string();
    let person =
        row.person_id.map(|id| view! { <a href=search("person", id.to_string())>{t!("audit-same-person")}</a> });
    let page = page_of(&row.target_kind, &target).map(|href| view! { <a href=href>{t!("audit-see-target")}</a> });
    let action = search("action", row.action.clone());
    let about = (!target.is_empty()).then(|| {
        let href = search("target", target.clone());
        view! { <DescriptionItem name=t!("audit-more")><a href=href>{t!("audit-same-target")}</a></DescriptionItem> }
    });
    view! {
        <aside class="rail" aria-label=t!("audit-facts")>
            <DescriptionList>
                <DescriptionItem name=t!("audit-at")><TimeAgo at=row.at /><p class="help">{row.at.to_string()}</p></DescriptionItem>
                <DescriptionItem name=t!("audit-who")><UntrustedText text=by />" "{person}</DescriptionItem>
                <DescriptionItem name=t!("audit-action")><a href=action><code>{row.action}</code></a></DescriptionItem>
                <DescriptionItem name=t!("audit-target")>{row.target_kind}" "<code class="break">{target}</code>" "{page}</DescriptionItem>
                {evidence.map(|text| view! {
                    <DescriptionItem name=t!("audit-evidence")><UntrustedText text=text /></DescriptionItem>
                })}
                {about}
            </DescriptionList>
        </aside>
    }
}

/// Returns the page of the target of an audit event, if it has one.
fn page_of(kind: &str, id: &str) -> Option<String> {
    match kind {
        "task" => Some(format!("/tasks/{id}")),
        "runner" => Some(format!("/runners/{id}")),
        "organization" => Some(format!("/organizations/{id}")),
        "person" => Some(format!("/people/{id}")),
        _ => None,
    }
}

fn pretty(json: &str) -> String {
    let value = serde_json::from_str::<serde_json::Value>(json).and_then(|value| serde_json::to_string_pretty(&value));
    value.unwrap_or_else(|_| json.to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
