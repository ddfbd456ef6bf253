//! What pages and server functions find in their context, for one request.
use super::Web;
use crate::{
    auth::{Browser, BrowserDoor},
    door::ClientAddress,
};
use app::{
    assets::{Assets, PublicOrigin},
    door::TheDoor,
    outcome::Answered,
    receipt_check::ReceiptCheck,
};
use domain::Actor;
use http::{Extensions, HeaderMap, header};
use leptos::prelude::provide_context;
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};
use store::Store;
use tower_sessions::Session;

/// One request, as pages know it.
#[derive(Clone)]
pub(super) struct Context {
    store: Store,
    actor: Option<Actor>,
    door: TheDoor,
    assets: Assets,
    origin: PublicOrigin,
    /// What the form on the page came to, when the page is rendered in reply to one.
    answered: Option<Answered>,
}

impl Context {
    /// The context of a request with these headers and extensions; `None` when it did not pass the session layer.
    pub fn of(web: &Web, headers: &HeaderMap, extensions: &Extensions) -> Option<Self> {
        let door = door(web, headers, extensions)?;
        let actor = door.browser.as_ref().map(|browser| browser.actor.clone());
        Some(Self {
            store: web.app.store.clone(),
            actor,
            door: Arc::new(door),
            assets: web.assets.clone(),
            origin: PublicOrigin(web.origin.clone()),
            answered: None,
        })
    }

    /// The same for a page that is rendered in reply to a form.
    pub fn answering(self, answered: Answered) -> Self {
        Self { answered: Some(answered), ..self }
    }

    /// Whether somebody is signed in.
    pub fn signed_in(&self) -> bool {
        self.actor.is_some()
    }

    /// Hands everything to Leptos.
    pub fn provide(&self) {
        provide_context(self.store.clone());
        provide_context(self.actor.clone());
        provide_context(self.door.clone());
        provide_context(self.assets.clone());
        provide_context(self.origin.clone());
        provide_context(self.answered.clone());
        provide_context(ReceiptCheck(crate::receipts::check));
    }
}

/// The door of a request; `None` when it did not pass the session layer.
pub(super) fn door(web: &Web, headers: &HeaderMap, extensions: &Extensions) -> Option<BrowserDoor> {
    Some(BrowserDoor {
        app: web.app.clone(),
        hasher: web.hasher.clone(),
        providers: web.providers.clone(),
        session: extensions.get::<Session>()?.clone(),
        browser: extensions.get::<Browser>().cloned(),
        address: extensions.get::<ClientAddress>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| client.0),
        device: device(headers),
    })
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
