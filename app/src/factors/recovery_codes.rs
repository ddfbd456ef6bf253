//! Recovery codes, which are shown once.
use crate::{assets::PublicOrigin, ui::ctx};
use islands::Copy;
use leptos::prelude::*;

/// Shows the codes if this page responds to a form of `action` that generated them, otherwise its children.
#[component]
pub fn RecoveryCodes(
    /// The path of the server function that generates them.
    action: &'static str,
    /// A local path.
    #[prop(into)]
    next: String,
    #[prop(optional)] children: Option<Children>,
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
            {owner().map(|owner| view! { <p>{owner}</p> })}
            <ul class="codes">{lines}</ul>
            <p><Copy text=codes label=t!("copy") done=t!("copied") /></p>
            <a class="button button-main" href=next>{t!("recovery-stored")}</a>
        </section>
    }
    .into_any()
}

/// Says on paper whose codes they are, and for which server.
fn owner() -> Option<String> {
    let (PublicOrigin(origin), sign_in) = (use_context()?, ctx::sign_in().ok()?);
    let email = sign_in.session_holder()?.actor.email.as_ref()?.to_string();
    Some(t!("recovery-owner", email = email, origin = origin))
}
