//! Web pages, server functions and assets: Leptos on axum.

mod actions;
mod assets;
mod context;
mod cookies;
mod form_deduplication;
mod page;
mod providers;
mod reviews;

pub use actions::own_path;
pub use assets::{Site, accepts_brotli};
pub use providers::PATHS;
pub use reviews::EXPORT;

use crate::{
    authentication::{self, Auth, Hasher},
    state::App,
};
use app::assets::Assets;
use auth::providers::FetchError;
use axum::{Router, middleware::from_fn_with_state, routing::get};
use form_deduplication::Submissions;
use leptos::config::LeptosOptions;
use tower_http::{CompressionLevel, compression::CompressionLayer};

/// State that pages share.
#[derive(Clone, Debug)]
pub struct Web {
    app: App,
    auth: Auth,
    options: LeptosOptions,
    assets: Assets,
    https: bool,
}

impl Web {
    /// Creates the pages of `app` under `origin`, such as `https://castellan.example.org`.
    ///
    /// # Errors
    /// Fails if the system's root certificates cannot be read.
    pub fn new(app: App, hasher: Hasher, origin: &str) -> Result<Self, FetchError> {
        // Fails if another server in this process has already initialized it, which is fine.
        let _already = any_spawner::Executor::init_tokio();
        let site = Site::load();
        let https = origin.starts_with("https:");
        let options = LeptosOptions::builder().output_name(site.output_name()).site_pkg_dir("pkg").build();
        let assets = Assets(std::sync::Arc::new(move |name: &str| site.address(name)));
        let auth = authentication::service(&app, hasher, origin)?;
        Ok(Self { app, auth, options, assets, https })
    }
}

/// Returns all routes for browsers; `streams` are further routes that need the session.
pub fn routes(web: Web, streams: Router) -> Router {
    let app = web.app.clone();
    let https = web.https;
    let cookies = authentication::session_layer(&app, https);
    // Form responses are not compressed: they can contain a secret next to user input, which their length would reveal (BREACH).
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest);
    let actions =
        Router::new().route("/actions/{*name}", get(actions::opened).post(actions::run)).with_state(web.clone());
    let pages = Router::new()
        .route("/sign-in/with/{provider}", get(providers::start))
        .route("/sign-in/from/{provider}", get(providers::callback))
        .route("/account/link/{provider}", get(providers::link))
        .fallback(get(page::handle).layer(compression))
        .with_state(web)
        .merge(streams)
        .merge(reviews::routes(app.clone()));
    let with_session = |routes: Router| {
        routes
            .layer(from_fn_with_state(app.clone(), authentication::identify))
            .layer(cookies.clone())
            .layer(from_fn_with_state(https, authentication::sanitize_cookies))
    };
    // Outside the session, because a repeated response has its cookies.
    let state = (Submissions::default(), app.store.clone());
    let actions = with_session(actions).layer(from_fn_with_state(state, form_deduplication::deduplicate));
    Router::new().route("/pkg/{*file}", get(assets::serve)).merge(with_session(pages)).merge(actions)
}
