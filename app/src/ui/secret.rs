//! A secret that is shown once: copy it now, and what to do if it is lost.
use super::ctx;
use islands::Copy;
use leptos::prelude::*;

/// Shows what a form of `action` just made, when this page is the answer to it.
#[component]
pub fn SecretOnce(
    /// The path of the server function that makes it.
    action: &'static str,
    /// What was made.
    #[prop(into)]
    title: String,
    /// What it is for and what to do if it is lost.
    #[prop(into)]
    text: String,
    /// Where to go on once it is stored; this page, when it says nothing.
    #[prop(optional)]
    next: Option<&'static str>,
    /// What stands here while there is no secret to show: the form that makes it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let answered = ctx::answered().filter(|answered| answered.action == action);
    let secret = answered.and_then(|answered| answered.result.ok()).filter(|secret| !secret.is_empty());
    let Some(secret) = secret else {
        return children.map(|children| children()).into_any();
    };
    let on = next.map_or_else(|| ctx::here().to_string(), str::to_owned);
    view! {
        <section class="secret" aria-labelledby="secret-title" tabindex="-1" autofocus>
            <h2 id="secret-title">{title}</h2>
            <p>{text}</p>
            <p class="secret-value">
                <code>{secret.clone()}</code>
                <Copy text=secret label=t!("copy") done=t!("copied") />
            </p>
            <a class="button button-main" href=on>{t!("secret-stored")}</a>
        </section>
    }
    .into_any()
}
