//! One anomaly in a report: what happened, when, from where, why it is unusual, and what to do.
use super::labels;
use crate::ui::{Badge, BadgeTone, Glyph, PLACEHOLDER, Sentence, TimeAgo, UntrustedText};
use domain::anomalies::{AnomalyDetails, AnomalyKind};
use leptos::prelude::*;
use store::AnomalyRow;

/// The reader of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// An admin or auditor who reads about another person.
    Admin,
    /// The person the anomaly is about.
    Owner,
}

/// One anomaly with its advice; `children` is its review state or the form that marks it as reviewed.
#[component]
pub fn AnomalyEntry(row: AnomalyRow, reader: Reader, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    let (badge, glyph) = if row.reviewed_at.is_some() || reader == Reader::Owner {
        (BadgeTone::Stopped, Glyph::Clock)
    } else {
        (BadgeTone::Waiting, Glyph::Warning)
    };
    let device = match &row.facts {
        AnomalyDetails::SignIn { device, .. } => Some(device.clone()),
        _ => None,
    };
    let about = view! { <About row=row.clone() reader=reader /> };
    let advice = view! { <Advice row=row.clone() reader=reader /> };
    let since = (row.first_at != row.last_at).then(|| {
        view! { <span class="muted"><Sentence text=t!("anomaly-since", time = PLACEHOLDER)><TimeAgo at=row.first_at /></Sentence></span> }
    });
    let counted = matches!(
        row.kind,
        AnomalyKind::SignIn | AnomalyKind::KeyNetwork | AnomalyKind::KeySilent | AnomalyKind::RunnerSilent
    ) && row.times > 1;
    let times = counted.then(|| match row.kind {
        AnomalyKind::RunnerSilent => t!("anomaly-times-runner", n = row.times),
        _ => t!("anomaly-times", n = row.times),
    });
    view! {
        <li class="report">
            <p class="report-head">
                <Badge tone=badge glyph=glyph label=labels::kind(row.kind) />
                <TimeAgo at=row.last_at />
                {since}
            </p>
            {about}
            <p>{labels::explanation(&row.facts)}{times.map(|times| format!(" {times}"))}</p>
            <p class="muted">
                {device.map(|device| view! { <UntrustedText text=device />" · " })}
                {(!row.address.is_empty()).then(|| view! {
                    <Sentence text=t!("anomaly-from", address = PLACEHOLDER)>
                        <span class="mono"><UntrustedText text=row.address /></span>
                    </Sentence>
                    " ("<span class="mono">{row.network}</span>")"
                })}
            </p>
            {advice}
            {children.map(|children| children())}
        </li>
    }
}

/// The person and the API key that an anomaly is about.
#[component]
fn About(row: AnomalyRow, reader: Reader) -> impl IntoView {
    let admin = reader == Reader::Admin;
    let person = row.person.filter(|_| admin).zip(row.person_id);
    let key = row.key_name.zip(row.key_id);
    let prefix = row.key_prefix.unwrap_or_default();
    if let AnomalyDetails::RunnerSilent { runner, name, .. } = row.facts {
        let href = format!("/runners/{runner}");
        return Some(view! { <p class="report-about"><a href=href><UntrustedText text=name /></a></p> }.into_any());
    }
    if person.is_none() && key.is_none() {
        return None;
    }
    let between = (person.is_some() && key.is_some()).then_some(" · ");
    Some(view! {
        <p class="report-about">
            {person.map(|(name, id)| view! { <a href=format!("/people/{id}")><UntrustedText text=name /></a> })}
            {between}
            {key.map(|(name, id)| view! {
                {t!("anomaly-key")}" "<a href=format!("/keys/{id}")><UntrustedText text=name /></a>" "<code>{prefix}"…"</code>
            })}
        </p>
    }.into_any())
}

/// The recommended action, with links to the pages where it is taken.
#[component]
fn Advice(row: AnomalyRow, reader: Reader) -> impl IntoView {
    let person = row.person_id.map(|id| id.to_string()).unwrap_or_default();
    let key = row.key_id.map(|id| format!("/keys/{id}")).unwrap_or_default();
    let key_links = |mut links: Vec<(String, String)>| {
        links.insert(0, (key.clone(), t!("anomaly-link-key")));
        links.push((format!("{key}#change"), t!("anomaly-link-bind")));
        links
    };
    let lock = || (format!("/people/{person}"), t!("anomaly-link-lock"));
    let log = |query: String| (format!("/audit?{query}"), t!("anomaly-link-audit"));
    let (text, links) = match (row.kind, reader) {
        (AnomalyKind::SignIn, Reader::Admin) => {
            (t!("anomaly-advice-sign-in-admin"), vec![lock(), log(format!("person={person}"))])
        }
        (AnomalyKind::SignIn, Reader::Owner) => (
            t!("anomaly-advice-sign-in"),
            vec![
                ("/browser-sessions".into(), t!("anomaly-link-sessions")),
                ("/account/password".into(), t!("anomaly-link-password")),
            ],
        ),
        (AnomalyKind::Guessing, Reader::Admin) => (
            t!("anomaly-advice-guessing-admin"),
            vec![log(format!("target={person}&event=authentication_failure")), lock()],
        ),
        (AnomalyKind::Guessing, Reader::Owner) => {
            (t!("anomaly-advice-guessing"), vec![("/account/password".into(), t!("anomaly-link-password"))])
        }
        (AnomalyKind::Spraying, _) => {
            (t!("anomaly-advice-spraying"), vec![log("event=authentication_failure".to_owned())])
        }
        (AnomalyKind::KeyNetwork | AnomalyKind::KeySilent, Reader::Admin) => {
            (t!("anomaly-advice-key"), key_links(vec![log(format!("person={person}"))]))
        }
        (AnomalyKind::TaskVolume | AnomalyKind::TaskHour, Reader::Admin) => {
            (t!("anomaly-advice-key"), key_links(vec![log(format!("person={person}&action=task.submit"))]))
        }
        (AnomalyKind::RunnerSilent, _) => {
            let AnomalyDetails::RunnerSilent { runner, .. } = &row.facts else { return None };
            let runner = (format!("/runners/{runner}"), t!("anomaly-link-runner"));
            (t!("anomaly-advice-runner-silent"), vec![runner])
        }
        (_, Reader::Owner) => (t!("anomaly-advice-key"), key_links(vec![])),
    };
    let links = links.into_iter().map(|(href, label)| view! { <li><a href=href>{label}</a></li> });
    Some(view! {
        <p class="help">{text}</p>
        <ul class="links">{links.collect_view()}</ul>
    })
}
