//! The retention page of the settings: the legal hold, the retention times, and what would be deleted now.
use super::{
    RETENTION_SETTINGS,
    actions::{LiftLegalHold, PreviewRetention, SetLegalHold, SetRetention, field},
};
use crate::{
    outcome::Refusal,
    ui::{
        Button, ButtonVariant, Confirm, Field, Form, LinkButton, PLACEHOLDER, Page, PageFuture, Section, Sentence,
        Table, TimeAgo, UntrustedText, ctx, page,
    },
};
use domain::{
    Actor,
    policy::ReadAudit,
    retention::{RetentionDays, RetentionKind, RetentionTimes},
};
use leptos::{prelude::*, server_fn::ServerFn};
use std::collections::BTreeMap;
use store::{Expired, LegalHold};

/// `/settings/retention`: admins and auditors read the settings, and admins change them.
pub fn retention() -> PageFuture {
    page(settings)
}

async fn settings(actor: Actor) -> Result<Page, Refusal> {
    let store = ctx::store()?;
    let proof = store.authorize(&actor, ReadAudit).await?;
    let mut read = store.read(&actor).await?;
    let stored = read.retention(&proof).await?;
    let preview = previewed();
    let times = preview.clone().unwrap_or_else(|| stored.times.clone());
    let expired = read.expired(&proof, &times).await?;
    let (is_admin, is_held) = (actor.is_admin(), stored.hold.is_some());
    let (form, save) = (times.clone(), preview.clone());
    Ok(Page::new(Section::Retention, t!("nav-retention")).lead(t!("retention-lead")).body(view! {
        <section>
            <h2>{t!("retention-hold")}</h2>
            <Hold hold=stored.hold is_admin=is_admin />
        </section>
        <section>
            <h2>{if preview.is_some() { t!("retention-preview") } else { t!("retention-expired") }}</h2>
            <p>{if preview.is_some() { t!("retention-preview-text") } else { t!("retention-expired-text") }}</p>
            {is_held.then(|| view! { <p>{t!("retention-held")}</p> })}
            <ExpiredTable saved=stored.times times=times expired=expired is_preview=preview.is_some() />
            {save.filter(|_| is_admin).map(|times| view! { <Save times=times /> })}
        </section>
        {is_admin.then(|| view! {
            <section>
                <h2>{t!("retention-times")}</h2>
                <Times times=form />
            </section>
        })}
    }))
}

/// Returns the times in the query, which the preview shows.
fn previewed() -> Option<RetentionTimes> {
    let here = ctx::here();
    here.get(RetentionKind::Output.as_str())?;
    RetentionTimes::read(|kind| here.get(kind.as_str()).unwrap_or_default()).ok()
}

fn label(kind: RetentionKind) -> String {
    match kind {
        RetentionKind::Output => t!("retention-output"),
        RetentionKind::Results => t!("retention-results"),
        RetentionKind::Anomalies => t!("retention-anomalies"),
        RetentionKind::SignIns => t!("retention-sign-ins"),
        RetentionKind::PersonalData => t!("retention-personal-data"),
    }
}

fn help(kind: RetentionKind) -> String {
    match kind {
        RetentionKind::Output => t!("retention-output-help"),
        RetentionKind::Results => t!("retention-results-help"),
        RetentionKind::Anomalies => t!("retention-anomalies-help"),
        RetentionKind::SignIns => t!("retention-sign-ins-help"),
        RetentionKind::PersonalData => t!("retention-personal-data-help"),
    }
}

fn typed(days: Option<RetentionDays>) -> String {
    days.map(|days| days.to_string()).unwrap_or_default()
}

#[component]
fn Hold(hold: Option<LegalHold>, is_admin: bool) -> impl IntoView {
    match hold {
        Some(LegalHold { at, by, reason }) => {
            let set = match by {
                Some(by) => t!("retention-hold-by", by = by, ago = PLACEHOLDER),
                None => t!("retention-hold-by-console", ago = PLACEHOLDER),
            };
            view! {
                <p class="notice">{t!("retention-hold-on")}</p>
                <p><Sentence text=set><TimeAgo at=at /></Sentence>" "{t!("retention-hold-reason-is")}" "<UntrustedText text=reason /></p>
                {is_admin.then(|| view! {
                    <Confirm
                        label=t!("retention-hold-lift-open") consequence=t!("retention-hold-lift-consequence") act=t!("retention-hold-lift")
                        action=LiftLegalHold::PATH hidden=vec![]
                    />
                })}
            }
            .into_any()
        }
        None => view! {
            <p>{t!("retention-hold-off")}</p>
            {is_admin.then(|| view! {
                <Confirm
                    label=t!("retention-hold-set-open") consequence=t!("retention-hold-set-consequence") act=t!("retention-hold-set")
                    action=SetLegalHold::PATH hidden=vec![] variant=ButtonVariant::Primary
                >
                    <Field name="reason" label=t!("retention-hold-reason") help=t!("retention-hold-reason-help") required=true />
                </Confirm>
            })}
        }
        .into_any(),
    }
}

#[component]
fn Times(times: RetentionTimes) -> impl IntoView {
    let input = move |kind: &RetentionKind| {
        view! {
            <Field
                name=field(kind.as_str()) label=label(*kind) help=help(*kind) kind="number" min=1 max=RetentionDays::MAX
                value=typed(times.get(*kind))
            />
        }
    };
    view! {
        <p class="help">{t!("retention-times-help")}</p>
        <Form action=PreviewRetention::PATH page=RETENTION_SETTINGS>
            {RetentionKind::ALL.iter().map(input).collect_view()}
            <Button variant=ButtonVariant::Primary>{t!("retention-preview-act")}</Button>
        </Form>
    }
}

#[component]
fn ExpiredTable(
    saved: RetentionTimes,
    times: RetentionTimes,
    expired: BTreeMap<RetentionKind, Expired>,
    is_preview: bool,
) -> impl IntoView {
    let days = |days: Option<RetentionDays>| match days {
        Some(days) => t!("retention-days", n = days.get()),
        None => t!("retention-forever"),
    };
    let count = |expired: Option<&Expired>| match expired {
        Some(Expired { count, more: true }) => format!("{count}+"),
        Some(Expired { count, more: false }) => count.to_string(),
        None => "0".into(),
    };
    let mut headings = vec![t!("retention-kind"), t!("retention-saved"), t!("retention-expired-now")];
    if is_preview {
        headings.insert(2, t!("retention-new"));
    }
    let row = move |kind: &RetentionKind| {
        view! {
            <tr>
                <th scope="row">{label(*kind)}</th>
                <td>{days(saved.get(*kind))}</td>
                {is_preview.then(|| view! { <td>{days(times.get(*kind))}</td> })}
                <td>{count(expired.get(kind))}</td>
            </tr>
        }
    };
    view! {
        <Table caption=t!("retention-expired") headings=headings>
            {RetentionKind::ALL.iter().map(row).collect_view()}
        </Table>
    }
}

/// The second step: saves the times of the preview.
#[component]
fn Save(times: RetentionTimes) -> impl IntoView {
    let input = move |kind: &RetentionKind| {
        view! { <input type="hidden" name=field(kind.as_str()) value=typed(times.get(*kind)) /> }
    };
    view! {
        <div class="form-buttons">
            <Confirm
                label=t!("retention-save-open") consequence=t!("retention-save-consequence") act=t!("retention-save")
                action=SetRetention::PATH hidden=vec![]
            >
                {RetentionKind::ALL.iter().map(input).collect_view()}
            </Confirm>
            <LinkButton href=RETENTION_SETTINGS>{t!("discard")}</LinkButton>
        </div>
    }
}
