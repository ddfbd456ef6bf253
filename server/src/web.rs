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
    auth::{self, FetchError, Hasher, Providers, Sessions},
    state::App,
};
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
    hasher: Hasher,
    providers: Providers,
    options: LeptosOptions,
    assets: Assets,
    /// Scheme, host and port, for links.
    origin: String,
    https: bool,
    passkeys: Option<auth::Passkeys>,
}

impl Web {
    /// Pages of `app` under `origin` (`https://castellan.example.org`).
    ///
    /// # Errors
    /// When the system's roots of trust cannot be read.
    pub fn new(app: App, hasher: Hasher, origin: String) -> Result<Self, FetchError> {
        // The error says that there is one already: the same, for another server in this process.
        let _already = any_spawner::Executor::init_tokio();
        let site = Site::load();
        let https = origin.starts_with("https:");
        let passkeys = auth::Passkeys::at(&origin);
        let options = LeptosOptions::builder().output_name(site.output_name()).site_pkg_dir("pkg").build();
        let assets = Assets(std::sync::Arc::new(move |name: &str| site.address(name)));
        let providers = Providers::new(app.clone(), origin.clone())?;
        Ok(Self { app, hasher, providers, options, assets, origin, https, passkeys })
    }
}

/// Everything that a browser asks for; `streams` are further routes that need its session.
pub fn routes(web: Web, streams: Router) -> Router {
    let app = web.app.clone();
    let config = &app.config.sessions;
    let sessions = Sessions::new(app.store.clone(), &app.keys.sessions, config.idle);
    let https = web.https;
    let cookies = auth::layer(sessions, https, config.absolute);
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
        .layer(from_fn_with_state(https, auth::sift));
    Router::new().route("/pkg/{*file}", get(assets::serve)).merge(pages)
}
