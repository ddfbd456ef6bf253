//! Request context of pages and server functions.
use super::Web;
use crate::{backup::schedule, health, http::ClientAddress, state::App};
use app::{
    assets::{Assets, PublicOrigin},
    backups::{BackupSchedule, Backups},
    notices::{Notice, Notices},
    outcome::{Answered, Refusal},
    receipt_check::ReceiptCheck,
    ui::PageToken,
};
use auth::{
    Browser, IncompleteSignIn, Proof, SignIn, SignInRequest, TenantChoice, device as device_cookie,
    invitation_cookie::{self, InvitationCookie},
};
use domain::Actor;
use http::{Extensions, HeaderMap, HeaderValue, header};
use leptos::prelude::provide_context;
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};
use store::Store;
use tower_sessions::Session;

/// Context of one request.
#[derive(Clone)]
pub(super) struct Context {
    store: Store,
    actor: Option<Actor>,
    sign_in: Arc<SignIn>,
    assets: Assets,
    origin: PublicOrigin,
    notices: Notices,
    backups: Backups,
    /// Result of a submitted form, if the page is rendered in response to one.
    answered: Option<Answered>,
}

impl Context {
    /// Creates the context; returns `None` if the request did not pass the session layer.
    pub fn of(web: &Web, headers: &HeaderMap, extensions: &Extensions) -> Option<Self> {
        let sign_in = sign_in(web, headers, extensions)?;
        let actor = sign_in.browser().map(|browser| browser.actor.clone());
        Some(Self {
            store: web.app.store.clone(),
            actor,
            sign_in: Arc::new(sign_in),
            assets: web.assets.clone(),
            origin: PublicOrigin(web.auth.settings.origin.clone()),
            notices: notices(web.app.clone()),
            backups: backups(web.app.clone()),
            answered: None,
        })
    }

    /// Adds the result of a submitted form.
    pub fn answering(self, answered: Answered) -> Self {
        Self { answered: Some(answered), ..self }
    }

    /// Returns the token of the device cookie that the response must set.
    pub fn new_device(&self) -> Option<String> {
        self.sign_in.take_device()
    }

    /// Returns the invitation cookie that the response must set.
    pub fn new_invitation(&self) -> Option<InvitationCookie> {
        self.sign_in.take_pending_invitation()
    }

    /// Returns the cookie of the tenant choice that the response must set.
    pub fn new_tenant_choice(&self) -> Option<HeaderValue> {
        self.sign_in.take_tenant_choice()
    }

    pub fn signed_in(&self) -> bool {
        self.actor.is_some()
    }

    /// Returns whether the session is signed in or in the middle of signing in.
    pub fn has_session(&self) -> bool {
        self.session_holder().is_some()
    }

    /// Returns the holder of the session, whether or not their sign-in is complete.
    pub fn session_holder(&self) -> Option<&Browser> {
        self.sign_in.session_holder()
    }

    /// Confirms the identity of the signed-in person.
    ///
    /// # Errors
    /// Fails if the proof is wrong.
    pub async fn proving(mut self, proof: Proof) -> Result<Self, Refusal> {
        if let Some(actor) = &mut self.actor {
            self.sign_in.prove(proof).await?;
            (actor.fresh, actor.authenticated_at) = (true, self.store.now());
        }
        Ok(self)
    }

    /// Provides the context to Leptos.
    pub fn provide(&self) {
        provide_context(self.store.clone());
        provide_context(self.store.mark());
        provide_context(self.actor.clone());
        provide_context(self.sign_in.clone());
        provide_context(self.assets.clone());
        provide_context(self.origin.clone());
        provide_context(self.answered.clone());
        provide_context(ReceiptCheck(crate::receipts::check));
        provide_context(self.notices.clone());
        // Without randomness a form that is submitted twice is processed twice.
        if let Ok(random) = auth::token::random::<16>() {
            provide_context(PageToken(format!("{:032x}", u128::from_be_bytes(random))));
        }
        provide_context(self.backups.clone());
    }
}

/// Remaining days below which a notice about the certificate is shown.
const CERTIFICATE_NOTICE_DAYS: i64 = 14;

/// How long a notice about a failed write is shown.
const WRITE_FAILURE_NOTICE: Duration = Duration::from_mins(1);

fn backups(app: App) -> Backups {
    Backups(Arc::new(move || {
        let settings = &app.config.backup;
        let folder = settings.folder.as_ref()?;
        Some(BackupSchedule {
            folder: folder.display().to_string(),
            interval: settings.interval,
            keep: settings.keep.get(),
            last: schedule::last(&app),
            has_failed: app.backups.has_failed(),
        })
    }))
}

fn notices(app: App) -> Notices {
    Notices(Arc::new(move || {
        let backup = app.backups.has_failed().then_some(Notice::BackupFailed);
        database_notice(&app).into_iter().chain(backup).chain(certificate_notices(&app)).collect()
    }))
}

fn database_notice(app: &App) -> Option<Notice> {
    // With PostgreSQL, a full disk of this machine does not affect people's changes.
    if app.store.is_embedded() && health::is_full(&app.config.data_dir) {
        return Some(Notice::DiskFull);
    }
    let refused = app.store.last_failed_write().filter(|at| app.store.now().since(*at) < WRITE_FAILURE_NOTICE);
    refused.map(Notice::NothingSaved)
}

fn certificate_notices(app: &App) -> Vec<Notice> {
    let Some(state) = app.certificate.as_ref().map(|certificate| certificate.state()) else { return vec![] };
    let days = (state.not_after.unix_timestamp() - app.store.now().seconds()) / 86_400;
    let self_signed = state.self_signed.then_some(Notice::SelfSigned);
    let broken = state.trouble.map(Notice::BrokenCertificate);
    let ends = (days < CERTIFICATE_NOTICE_DAYS).then_some(Notice::CertificateEnds(days));
    self_signed.into_iter().chain(broken).chain(ends).collect()
}

/// Returns the sign-in service of a request, or `None` if it did not pass the session layer.
pub(super) fn sign_in(web: &Web, headers: &HeaderMap, extensions: &Extensions) -> Option<SignIn> {
    let request = SignInRequest {
        session: extensions.get::<Session>()?.clone(),
        browser: extensions.get::<Browser>().cloned(),
        incomplete: extensions.get::<IncompleteSignIn>().cloned(),
        address: extensions.get::<ClientAddress>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| client.0),
        device: device_name(headers),
        known_device: device_cookie::from_headers(headers, web.https),
        pending_invitation: invitation_cookie::from_headers(headers, web.https),
        tenant_choice: TenantChoice::from_headers(headers, &web.auth.settings.session_key, web.https),
    };
    Some(SignIn::new(web.auth.clone(), request))
}

/// Returns the browser and system for the list of sessions, derived from fixed names because the header is user input.
fn device_name(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|line| line.to_str().ok()).unwrap_or("");
    let first =
        |names: &[(&str, &'static str)]| names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.into(),
        (None, None) => "Unknown browser".into(),
    }
}
