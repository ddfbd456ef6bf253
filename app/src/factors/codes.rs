//! Recovery codes, in the one moment in which they are shown.
use crate::ui::ctx;
use islands::Copy;
use leptos::prelude::*;

/// Shows the codes that a form of `action` just made, when this page is the answer to it; else its children.
#[component]
pub fn RecoveryCodes(
    /// The path of the server function that makes them.
    action: &'static str,
    /// Where to go on once they are stored: a path of ours.
    #[prop(into)]
    next: String,
    /// What stands here while there are none to show.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let answered = ctx::answered().filter(|answered| answered.action == action);
    let Some(codes) = answered.and_then(|answered| answered.result.ok()) else {
        return children.map(|children| children()).into_any();
    };
    let lines = codes.lines().map(|code| view! { <li><code>{code.to_owned()}</code></li> }).collect_view();
    view! {
        <section class="secret" aria-labelledby="codes-title" tabindex="-1" autofocus>
            <h2 id="codes-title">{t!("recovery-title")}</h2>
            <p>{t!("recovery-text")}</p>
            <ul class="codes">{lines}</ul>
            <p><Copy text=codes label=t!("copy") done=t!("copied") /></p>
            <a class="button button-main" href=next>{t!("recovery-stored")}</a>
        </section>
    }
    .into_any()
}
