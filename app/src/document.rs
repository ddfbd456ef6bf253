//! The HTML document. It is rendered completely before it is sent, so that its status and title are right.
use crate::{
    assets::Assets,
    routes,
    ui::{Address, RenderedPage, TabTitle, ctx, status::ResponseHead},
};
use http::{HeaderValue, StatusCode, Uri};
use hydration_context::SsrSharedContext;
use leptos::{
    nonce::{provide_nonce, use_nonce},
    prelude::*,
    reactive::{computed::ScopedFuture, owner::Sandboxed},
};
use std::sync::Arc;

/// A rendered response.
#[derive(Debug)]
pub struct Document {
    pub status: StatusCode,
    /// The redirect target, if the response is a redirect.
    pub location: Option<HeaderValue>,
    /// The CSP nonce of this response's scripts.
    pub nonce: String,
    pub html: String,
}

/// Renders the page at a URI; `provide` fills the request context.
pub async fn render(uri: &Uri, options: LeptosOptions, provide: impl FnOnce()) -> Document {
    let (view, params) = routes::find(uri.path());
    let here = Address::of(uri);
    let head = ResponseHead::default();
    // A separate root owner, which is not left as the thread's current one, keeps contexts from leaking between responses.
    let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new())));
    owner.clone().unset();
    let rendering = owner.with(|| {
        provide_nonce();
        provide_context(here);
        provide_context(params);
        provide_context(head.clone());
        provide();
        Sandboxed::new(ScopedFuture::new(async move {
            let page = view().await;
            (use_nonce().map(|nonce| nonce.to_string()), shell(page, options).to_html())
        }))
    });
    let (nonce, html) = rendering.await;
    owner.unset_with_forced_cleanup();
    let (status, location) = head.get();
    let nonce = nonce.unwrap_or_default();
    let html = conceal(html, &nonce);
    Document { status, location, nonce, html }
}

/// Removes the nonce from the preload links, where Leptos writes it into `crossorigin`: browsers hide `nonce` attributes from
/// style sheets and scripts, but no others. The value means the same as `anonymous`.
fn conceal(html: String, nonce: &str) -> String {
    html.replace(&format!("crossorigin=\"{nonce}\""), "crossorigin=\"anonymous\"")
}

/// Runs before the first paint, so that a page never flashes in the wrong theme.
const THEME: &str = "try{const t=localStorage.getItem('theme');if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}";

/// Runs on the response to a form: the address bar shows the form's page, so that a reload opens it instead of submitting again.
const ADDRESS: &str = "history.replaceState(history.state,'',document.currentScript.dataset.page)";

/// The fonts that every page uses, loaded beside the style sheet instead of after it.
const FONTS: [&str; 2] = ["fonts/inter.woff2", "fonts/jetbrains-mono.woff2"];

/// The document around every page.
fn shell(RenderedPage { title, body }: RenderedPage, options: LeptosOptions) -> impl IntoView {
    let assets = use_context::<Assets>();
    let asset = |name: &str| assets.as_ref().map(|assets| assets.url(name));
    view! {
        <!DOCTYPE html>
        <html lang=crate::text::language().to_string()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <TabTitle page=title />
                <link rel="icon" type="image/svg+xml" href=asset("favicon.svg") />
                {FONTS.map(|font| view! { <link rel="preload" r#as="font" type="font/woff2" crossorigin="anonymous" href=asset(font) /> })}
                <link rel="stylesheet" href=asset("castellan.css") />
                <script nonce=use_nonce()>{THEME}</script>
                {ctx::answered().map(|_| view! { <script nonce=use_nonce() data-page=ctx::here().to_string()>{ADDRESS}</script> })}
                <HydrationScripts options=options islands=true />
            </head>
            <body>{body}</body>
        </html>
    }
}
