//! Authentication of HTTP requests: browsers by their session, programs by their API key. The sign-in itself is the crate
//! `auth`.

mod admin_networks;
mod bearer;
mod browser;
mod key_usage_cache;

pub use auth::{
    Auth, Authenticated, Browser, Hasher, IncompleteSignIn, Proof, Sessions, SignIn, SignInRequest, check_password,
    cookie::values as cookies, digest,
};
pub use bearer::Program;
pub use browser::{RECHECK, SignedIn, identify, sanitize_cookies, session_layer, still_valid};
pub use key_usage_cache::KeyUsageCache;

use crate::{
    anonymous_log,
    rates::{ReportKind, Subject},
    state::App,
};
use auth::{AuthLog, Settings, providers::FetchError};
use std::sync::Arc;

/// Returns the sign-in service of `app`, for pages at `origin` (`https://castellan.example.org`).
///
/// # Errors
/// Fails if the system's root certificates cannot be read.
pub fn service(app: &App, hasher: Hasher, origin: &str) -> Result<Auth, FetchError> {
    let config = &app.config;
    let settings = Settings {
        second_factor: config.auth.second_factor,
        primary_provider: config.auth.primary_provider.as_ref().map(|key| key.as_str().to_owned()),
        loopback_issuers: config.auth.loopback_issuers,
        admin_emails: config.auth.admin_emails.clone(),
        providers: config.providers().to_vec(),
        session_lifetime: config.sessions.absolute,
        ..Settings::new(origin, &app.keys.sessions, &config.data_dir)
    };
    let rates = Arc::clone(&app.rates);
    let log = AuthLog {
        anonymous: |event, address, request, reason| {
            anonymous_log::refused(event, Some(address), None, request, reason);
        },
        is_throttle_due: Arc::new(move |person, address| {
            rates.is_report_due(ReportKind::Throttled, person.map_or_else(|| Subject::of(address), Subject::Person))
        }),
    };
    let (attempts, background) = (Arc::clone(&app.attempts), app.background.clone());
    Ok(Auth { attempts, background, log, ..Auth::new(app.store.clone(), settings, hasher)? })
}
