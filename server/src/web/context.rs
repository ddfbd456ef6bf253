//! What pages and server functions find in their context, for one request.
use super::Web;
use crate::{health, http::ClientAddress, state::App};
use ::auth::{
    Browser, IncompleteSignIn, Proof, SignIn, SignInRequest, device as device_cookie,
    invitation_cookie::{self, InvitationCookie},
};
use app::{
    assets::{Assets, PublicOrigin},
    notices::{Notice, Notices},
    outcome::{Answered, Refusal},
    receipt_check::ReceiptCheck,
};
use domain::Actor;
use http::{Extensions, HeaderMap, header};
use leptos::prelude::provide_context;
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};
use store::Store;
use tower_sessions::Session;

/// One request, as pages know it.
#[derive(Clone)]
pub(super) struct Context {
    store: Store,
    actor: Option<Actor>,
    sign_in: Arc<SignIn>,
    assets: Assets,
    origin: PublicOrigin,
    notices: Notices,
    /// What the form on the page came to, when the page is rendered in reply to one.
    answered: Option<Answered>,
}

impl Context {
    /// The context of a request with these headers and extensions; `None` when it did not pass the session layer.
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
            answered: None,
        })
    }

    /// The same for a page that is rendered in reply to a form.
    pub fn answering(self, answered: Answered) -> Self {
        Self { answered: Some(answered), ..self }
    }

    /// The token of the device cookie that the response must set.
    pub fn new_device(&self) -> Option<String> {
        self.sign_in.take_device()
    }

    /// The invitation cookie that the response must set.
    pub fn new_invitation(&self) -> Option<InvitationCookie> {
        self.sign_in.take_pending_invitation()
    }

    /// Whether somebody is signed in.
    pub fn signed_in(&self) -> bool {
        self.actor.is_some()
    }

    /// Whether somebody is signed in, or about to be.
    pub fn has_session(&self) -> bool {
        self.sign_in.session_holder().is_some()
    }

    /// The same once whoever is signed in has proved again who they are.
    ///
    /// # Errors
    /// When the proof is wrong.
    pub async fn proving(mut self, proof: Proof) -> Result<Self, Refusal> {
        if let Some(actor) = &mut self.actor {
            self.sign_in.prove(proof).await?;
            (actor.fresh, actor.proved_at) = (true, self.store.now());
        }
        Ok(self)
    }

    /// Hands everything to Leptos.
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
    }
}

/// A certificate that ends within so many days is spoken of.
const FEW_DAYS: i64 = 14;

/// How long ago a change may have been refused that is still spoken of: somebody tries again sooner than that.
const LATELY: Duration = Duration::from_mins(1);

fn notices(app: App) -> Notices {
    Notices(Arc::new(move || of_the_database(&app).into_iter().chain(of_the_certificate(&app)).collect()))
}

fn of_the_database(app: &App) -> Option<Notice> {
    // Where the database is elsewhere, this disk holds up nothing that people do.
    if app.store.is_embedded() && health::is_full(&app.config.data_dir) {
        return Some(Notice::DiskFull);
    }
    let refused = app.store.refused_at().filter(|at| app.store.now().since(*at) < LATELY);
    refused.map(Notice::NothingSaved)
}

fn of_the_certificate(app: &App) -> Vec<Notice> {
    let Some(state) = app.certificate.as_ref().map(|certificate| certificate.state()) else { return vec![] };
    let days = (state.not_after.unix_timestamp() - app.store.now().seconds()) / 86_400;
    let self_signed = state.self_signed.then_some(Notice::SelfSigned);
    let broken = state.trouble.map(Notice::BrokenCertificate);
    let ends = (days < FEW_DAYS).then_some(Notice::CertificateEnds(days));
    self_signed.into_iter().chain(broken).chain(ends).collect()
}

/// The sign-in service of a request; `None` when it did not pass the session layer.
pub(super) fn sign_in(web: &Web, headers: &HeaderMap, extensions: &Extensions) -> Option<SignIn> {
    let request = SignInRequest {
        session: extensions.get::<Session>()?.clone(),
        browser: extensions.get::<Browser>().cloned(),
        incomplete: extensions.get::<IncompleteSignIn>().cloned(),
        address: extensions.get::<ClientAddress>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| client.0),
        device: device(headers),
        known_device: device_cookie::from_headers(headers, web.https),
        pending_invitation: invitation_cookie::from_headers(headers, web.https),
    };
    Some(SignIn::new(web.auth.clone(), request))
}

/// The browser and its system, in words for the list of sessions; never the header itself, which anybody may write.
fn device(headers: &HeaderMap) -> String {
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
        (Some(one), None) | (None, Some(one)) => one.into(),
        (None, None) => "Unknown browser".into(),
    }
}
