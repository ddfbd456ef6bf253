//! Changes between a request and the last approved one like it, so that known parts need not be reviewed again.
use super::diff::{self, Difference, Kind, Line};
use crate::{
    outcome::Refusal,
    ui::{Badge, BadgeTone, Glyph, PLACEHOLDER, Sentence, TimeAgo, UntrustedText},
};
use domain::request::Request;
use leptos::prelude::*;
use store::{Likeness, Precedent};

/// The differences of script and canonical request, for [`Changes`].
#[derive(Clone, Debug)]
pub struct Comparison {
    precedent: Precedent,
    likeness: Likeness,
    script: Difference,
    request: Difference,
}

impl Comparison {
    /// Compares a script and its request with those that were approved.
    ///
    /// # Errors
    /// Fails if the earlier request cannot be parsed.
    pub fn new((likeness, precedent): (Likeness, Precedent), script: &str, request: &Request) -> Result<Self, Refusal> {
        let before =
            Request::read(precedent.request.as_bytes()).map_err(|_| Refusal::from(store::Error::Corrupt("request")))?;
        let script = diff::compare(&precedent.script, script);
        let request = diff::compare(&comparable(&before), &comparable(request));
        Ok(Self { precedent, likeness, script, request })
    }
}

/// Formats the request without its nonce, which is unique to each request, and without the task that it repeats.
fn comparable(request: &Request) -> String {
    let mut value = serde_json::to_value(request).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        for field in ["nonce", "rerun_of", "v"] {
            fields.remove(field);
        }
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
    let Comparison { precedent, likeness, script, request } = compared;
    let (tone, label) = match (&script, &request) {
        (Difference::Same, Difference::Same) => (BadgeTone::Good, t!("changes-same")),
        (Difference::Same, _) => (BadgeTone::Waiting, t!("changes-same-script")),
        _ => (BadgeTone::Waiting, t!("changes-differ")),
    };
    let glyph = if tone == BadgeTone::Good { Glyph::Tick } else { Glyph::Warning };
    let href = format!("/approvals/{}", precedent.id);
    let since = match likeness {
        Likeness::Rerun => t!("changes-since-rerun", time = PLACEHOLDER),
        Likeness::SameTitle => t!("changes-since-title", time = PLACEHOLDER),
        Likeness::SameBeginning => t!("changes-since-beginning", time = PLACEHOLDER),
    };
    let size = script.size().filter(|size| *size != (0, 0));
    view! {
        <p>
            <Badge tone=tone glyph=glyph label=label />
            {size.map(|(added, removed)| view! { " "<span class="change-size">{t!("changes-size", added = added, removed = removed)}</span> })}
            " "
            <Sentence text=since><a href=href><TimeAgo at=precedent.approved_at /></a></Sentence>
        </p>
        <DifferenceView of=script title=t!("task-script") label=t!("changes-script") />
        <RequestDifference of=request />
    }
}

/// The difference of the request is folded: most of it repeats that of the script, as digests and lengths.
#[component]
fn RequestDifference(of: Difference) -> impl IntoView {
    (of != Difference::Same).then(|| {
        view! {
            <details class="folded">
                <summary>{t!("changes-request")}</summary>
                <DifferenceView of=of title=String::new() label=t!("changes-request") />
            </details>
        }
    })
}

#[component]
fn DifferenceView(
    of: Difference,
    /// The heading, unless it is empty.
    title: String,
    label: String,
) -> impl IntoView {
    let body = match of {
        Difference::Same => return ().into_any(),
        Difference::TooLong(lines) => view! {
            <p class="notice">{t!("changes-too-long", lines = lines, most = diff::MAX_LINES)}</p>
        }
        .into_any(),
        Difference::Lines(lines) => view! {
            <div class="source diff" role="region" aria-label=label tabindex="0">
                <ol>{lines.into_iter().map(line_view).collect_view()}</ol>
            </div>
        }
        .into_any(),
    };
    view! { {(!title.is_empty()).then(|| view! { <h3>{title}</h3> })}{body} }.into_any()
}

fn line_view(line: Line) -> AnyView {
    let (kind, number, pieces) = match line {
        Line::Text { kind, number, pieces } => (kind, number, pieces),
        Line::Skipped(n) => {
            return view! { <li class="skipped"><span></span><span></span><span>{t!("changes-skipped", n = n)}</span></li> }
                .into_any();
        }
    };
    let piece = |(changed, text): (bool, String)| match changed {
        true => view! { <mark class="changed"><UntrustedText text=text /></mark> }.into_any(),
        false => view! { <UntrustedText text=text /> }.into_any(),
    };
    let code = view! { <code>{pieces.into_iter().map(piece).collect_view()}</code> };
    let (class, sign, code) = match kind {
        Kind::Unchanged => ("", "", code.into_any()),
        Kind::Added => ("added", "+", view! { <ins>{code}</ins> }.into_any()),
        Kind::Removed => ("removed", "−", view! { <del>{code}</del> }.into_any()),
    };
    view! { <li class=class><span class="line-number">{number}</span><span>{sign}</span>{code}</li> }.into_any()
}
