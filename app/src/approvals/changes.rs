//! Changes between a request and the last approved one like it, so that known parts need not be reviewed again.
use super::difference::{self, Difference, Line};
use crate::{
    outcome::Refusal,
    ui::{Badge, Glyph, Meaning, Moment, Revealed},
};
use domain::request::Request;
use leptos::prelude::*;
use store::Precedent;

/// The differences of script and canonical request, for [`Changes`].
#[derive(Clone, Debug)]
pub struct Compared {
    precedent: Precedent,
    script: Difference,
    request: Difference,
}

impl Compared {
    /// Compares a script and its request with those that were approved.
    ///
    /// # Errors
    /// When the earlier request cannot be parsed.
    pub fn with(precedent: Precedent, script: &str, request: &Request) -> Result<Self, Refusal> {
        let before =
            Request::read(precedent.request.as_bytes()).map_err(|_| Refusal::from(store::Error::Corrupt("request")))?;
        let script = difference::between(&precedent.script, script);
        let request = difference::between(&plain(&before), &plain(request));
        Ok(Self { precedent, script, request })
    }
}

/// Formats the request without its nonce, which is unique to each request.
fn plain(request: &Request) -> String {
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
    compared: Option<Compared>,
) -> impl IntoView {
    let body = match compared {
        None => view! {
            <p>
                <Badge meaning=Meaning::Waiting glyph=Glyph::Warning word=t!("changes-never") />
                " "
                {t!("changes-never-text")}
            </p>
        }
        .into_any(),
        Some(compared) => view! { <Comparison compared=compared /> }.into_any(),
    };
    view! { <section class="changes"><h2>{t!("changes")}</h2>{body}</section> }
}

#[component]
fn Comparison(compared: Compared) -> impl IntoView {
    let Compared { precedent, script, request } = compared;
    let (meaning, word) = match (&script, &request) {
        (Difference::Same, Difference::Same) => (Meaning::Good, t!("changes-same")),
        (Difference::Same, _) => (Meaning::Waiting, t!("changes-same-script")),
        _ => (Meaning::Waiting, t!("changes-differ")),
    };
    let glyph = if meaning == Meaning::Good { Glyph::Tick } else { Glyph::Warning };
    let href = format!("/approvals/{}", precedent.id);
    view! {
        <p>
            <Badge meaning=meaning glyph=glyph word=word />
            " "
            {t!("changes-since")}
            " "
            <a href=href><Moment at=precedent.approved_at /></a>
        </p>
        <Part of=script title=t!("task-script") label=t!("changes-script") />
        <Part of=request title=t!("approval-request") label=t!("changes-request") />
    }
}

#[component]
fn Part(of: Difference, title: String, label: String) -> impl IntoView {
    match of {
        Difference::Same => ().into_any(),
        Difference::TooLong(lines) => view! {
            <h3>{title}</h3>
            <p class="notice">{t!("changes-too-long", lines = lines, most = difference::LONGEST)}</p>
        }
        .into_any(),
        Difference::Lines(lines) => view! {
            <h3>{title}</h3>
            <div class="source diff" role="region" aria-label=label tabindex="0">
                <ol>{lines.into_iter().map(shown).collect_view()}</ol>
            </div>
        }
        .into_any(),
    }
}

fn shown(line: Line) -> AnyView {
    match line {
        Line::Kept(text) => view! { <li><span></span><code><Revealed text=text /></code></li> }.into_any(),
        Line::Added(text) => view! {
            <li class="added"><span>"+"</span><ins><code><Revealed text=text /></code></ins></li>
        }
        .into_any(),
        Line::Removed(text) => view! {
            <li class="removed"><span>"−"</span><del><code><Revealed text=text /></code></del></li>
        }
        .into_any(),
        Line::Skipped(n) => view! { <li class="skipped"><span></span>{t!("changes-skipped", n = n)}</li> }.into_any(),
    }
}
