//! Changes between a request and the last approved one like it, so that known parts need not be reviewed again.
use super::diff::{self, Difference, Line};
use crate::{
    outcome::Refusal,
    ui::{Badge, BadgeTone, Glyph, PLACEHOLDER, Sentence, TimeAgo, UntrustedText},
};
use domain::request::Request;
use leptos::prelude::*;
use store::Precedent;

/// The differences of script and canonical request, for [`Changes`].
#[derive(Clone, Debug)]
pub struct Comparison {
    precedent: Precedent,
    script: Difference,
    request: Difference,
}

impl Comparison {
    /// Compares a script and its request with those that were approved.
    ///
    /// # Errors
    /// Fails if the earlier request cannot be parsed.
    pub fn new(precedent: Precedent, script: &str, request: &Request) -> Result<Self, Refusal> {
        let before =
            Request::read(precedent.request.as_bytes()).map_err(|_| Refusal::from(store::Error::Corrupt("request")))?;
        let script = diff::compare(&precedent.script, script);
        let request = diff::compare(&without_nonce(&before), &without_nonce(request));
        Ok(Self { precedent, script, request })
    }
}

/// Formats the request without its nonce, which is unique to each request.
fn without_nonce(request: &Request) -> String {
    let mut value = serde_json::to_value(request).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("nonce");
    }
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

/// The changes since the last approval, or a warning that nothing like it was approved before.
#[component]
pub fn Changes(
    /// `None` when there is no earlier request.
    compared: Option<Comparison>,
) -> impl IntoView {
    let body = match compared {
        None => view! {
            <p>
                <Badge tone=BadgeTone::Waiting glyph=Glyph::Warning label=t!("changes-never") />
                " "
                {t!("changes-never-text")}
            </p>
        }
        .into_any(),
        Some(compared) => view! { <ComparisonDetails compared=compared /> }.into_any(),
    };
    view! { <section class="changes"><h2>{t!("changes")}</h2>{body}</section> }
}

#[component]
fn ComparisonDetails(compared: Comparison) -> impl IntoView {
    let Comparison { precedent, script, request } = compared;
    let (tone, label) = match (&script, &request) {
        (Difference::Same, Difference::Same) => (BadgeTone::Good, t!("changes-same")),
        (Difference::Same, _) => (BadgeTone::Waiting, t!("changes-same-script")),
        _ => (BadgeTone::Waiting, t!("changes-differ")),
    };
    let glyph = if tone == BadgeTone::Good { Glyph::Tick } else { Glyph::Warning };
    let href = format!("/approvals/{}", precedent.id);
    view! {
        <p>
            <Badge tone=tone glyph=glyph label=label />
            " "
            <Sentence text=t!("changes-since", time = PLACEHOLDER)><a href=href><TimeAgo at=precedent.approved_at /></a></Sentence>
        </p>
        <DifferenceView of=script title=t!("task-script") label=t!("changes-script") />
        <DifferenceView of=request title=t!("approval-request") label=t!("changes-request") />
    }
}

#[component]
fn DifferenceView(of: Difference, title: String, label: String) -> impl IntoView {
    match of {
        Difference::Same => ().into_any(),
        Difference::TooLong(lines) => view! {
            <h3>{title}</h3>
            <p class="notice">{t!("changes-too-long", lines = lines, most = diff::MAX_LINES)}</p>
        }
        .into_any(),
        Difference::Lines(lines) => view! {
            <h3>{title}</h3>
            <div class="source diff" role="region" aria-label=label tabindex="0">
                <ol>{lines.into_iter().map(line_view).collect_view()}</ol>
            </div>
        }
        .into_any(),
    }
}

fn line_view(line: Line) -> AnyView {
    match line {
        Line::Unchanged(text) => view! { <li><span></span><code><UntrustedText text=text /></code></li> }.into_any(),
        Line::Added(text) => view! {
            <li class="added"><span>"+"</span><ins><code><UntrustedText text=text /></code></ins></li>
        }
        .into_any(),
        Line::Removed(text) => view! {
            <li class="removed"><span>"−"</span><del><code><UntrustedText text=text /></code></del></li>
        }
        .into_any(),
        Line::Skipped(n) => view! { <li class="skipped"><span></span>{t!("changes-skipped", n = n)}</li> }.into_any(),
    }
}
