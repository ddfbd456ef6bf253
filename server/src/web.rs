//! Pages, their forms and their files: Leptos on axum.

mod actions;
mod assets;
mod context;
mod page;
mod providers;
mod reviews;

pub use actions::own_path;
pub use assets::{Site, accepts_brotli};
pub use providers::PATHS;
pub use reviews::EXPORT;

use crate::{
    auth::{self, Auth, Hasher},
    state::App,
};
use ::auth::providers::FetchError;
use app::assets::Assets;
use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use leptos::config::LeptosOptions;
use tower_http::{CompressionLevel, compression::CompressionLayer};

/// What pages share.
#[derive(Clone, Debug)]
pub struct Web {
    app: App,
    auth: Auth,
    options: LeptosOptions,
    assets: Assets,
    https: bool,
}

impl Web {
    /// Pages of `app` under `origin` (`https://castellan.example.org`).
    ///
    /// # Errors
    /// When the system's roots of trust cannot be read.
    pub fn new(app: App, hasher: Hasher, origin: &str) -> Result<Self, FetchError> {
        // The error says that there is one already: the same, for another server in this process.
        let _already = any_spawner::Executor::init_tokio();
        let site = Site::load();
        let https = origin.starts_with("https:");
        let options = LeptosOptions::builder().output_name(site.output_name()).site_pkg_dir("pkg").build();
        let assets = Assets(std::sync::Arc::new(move |name: &str| site.address(name)));
        let auth = auth::service(&app, hasher, origin)?;
        Ok(Self { app, auth, options, assets, https })
    }
}

/// Everything that a browser asks for; `streams` are further routes that need its session.
pub fn routes(web: Web, streams: Router) -> Router {
    let app = web.app.clone();
    let https = web.https;
    let cookies = auth::session_layer(&app, https);
    // What a form answers is left as it is: it may show a secret beside what was sent, and its length would tell (BREACH).
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest);
    let pages = Router::new()
        .route("/actions/{*name}", post(actions::run))
        .route("/sign-in/with/{provider}", get(providers::set_out))
        .route("/sign-in/from/{provider}", get(providers::arrive))
        .route("/account/link/{provider}", get(providers::link))
        .fallback(get(page::show).layer(compression))
        .with_state(web)
        .merge(streams)
        .merge(reviews::routes(app.clone()))
        .layer(from_fn_with_state(app, auth::identify))
        .layer(cookies)
        .layer(from_fn_with_state(https, auth::sanitize_cookies));
    Router::new().route("/pkg/{*file}", get(assets::serve)).merge(pages)
}
