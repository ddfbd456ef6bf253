//! The whole document: rendered before anything of it is sent, so that its status and its title are right.
use crate::{
    assets::Assets,
    routes,
    ui::{Address, Shown, TabTitle, status::Head},
};
use http::{HeaderValue, StatusCode, Uri};
use hydration_context::SsrSharedContext;
use leptos::{
    nonce::{provide_nonce, use_nonce},
    prelude::*,
    reactive::{computed::ScopedFuture, owner::Sandboxed},
};
use std::sync::Arc;

/// How an address is answered.
#[derive(Debug)]
pub struct Document {
    /// The status.
    pub status: StatusCode,
    /// Where the person is sent instead.
    pub location: Option<HeaderValue>,
    /// What the scripts of this answer carry, and of no other.
    pub nonce: String,
    /// The text.
    pub html: String,
}

/// Renders the page at an address; `provide` puts into its context what it asks for.
pub async fn render(uri: &Uri, options: LeptosOptions, provide: impl FnOnce()) -> Document {
    let (view, params) = routes::find(uri.path());
    let here = Address::of(uri);
    let head = Head::default();
    // A root of its own, and not left behind as this thread's: what one answer has in its context is nobody else's.
    let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new())));
    owner.clone().unset();
    let rendering = owner.with(|| {
        provide_nonce();
        provide_context(here);
        provide_context(params);
        provide_context(head.clone());
        provide();
        Sandboxed::new(ScopedFuture::new(async move {
            let shown = view().await;
            (use_nonce().map(|nonce| nonce.to_string()), shell(shown, options).to_html())
        }))
    });
    let (nonce, html) = rendering.await;
    owner.unset_with_forced_cleanup();
    let (status, location) = head.said();
    Document { status, location, nonce: nonce.unwrap_or_default(), html }
}

/// Runs before anything is painted, so that a page never flashes in the wrong theme.
const THEME: &str = "try{const t=localStorage.getItem('theme');if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}";

/// What stands around every page.
fn shell(Shown { title, body }: Shown, options: LeptosOptions) -> impl IntoView {
    let assets = use_context::<Assets>();
    let asset = |name: &str| assets.as_ref().map(|assets| assets.address(name));
    view! {
        <!DOCTYPE html>
        <html lang=crate::text::language().to_string()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <TabTitle page=title />
                <link rel="icon" type="image/svg+xml" href=asset("favicon.svg") />
                <link rel="stylesheet" href=asset("castellan.css") />
                <script nonce=use_nonce()>{THEME}</script>
                <HydrationScripts options=options islands=true />
            </head>
            <body>{body}</body>
        </html>
    }
}
