//! Secrets that are shown once, with a copy button.
use super::ctx;
use islands::Copy;
use leptos::prelude::*;

/// Shows the secret if this page responds to a form of `action`, otherwise its children.
#[component]
pub fn SecretOnce(
    /// The path of the server function that creates it.
    action: &'static str,
    #[prop(into)] title: String,
    /// What it is for, and what to do if it is lost.
    #[prop(into)]
    text: String,
    /// Where to go once it is stored; the current page by default.
    #[prop(optional)]
    next: Option<&'static str>,
    /// The form that creates it.
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
