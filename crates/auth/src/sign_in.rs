//! Sign-in service of one request: the sign-out, and the state that the other modules work on.
use crate::{
    Auth, Browser, Error, IncompleteSignIn, Stage, digest, error::unavailable, invitation_cookie::InvitationCookie,
    tenant_choice_cookie::TenantChoice,
};
use domain::{BrowserSessionId, anomalies::subscriber_of, policy::EndBrowserSession};
use http::HeaderValue;
use parking_lot::Mutex;
use std::{fmt, net::IpAddr};
use tower_sessions::Session;

/// The browser of a request.
#[derive(Debug)]
pub struct SignInRequest {
    /// The request's session, open or not.
    pub session: Session,
    pub browser: Option<Browser>,
    pub incomplete: Option<IncompleteSignIn>,
    pub address: IpAddr,
    /// The browser and its system as a text, such as "Firefox on Linux".
    pub device: String,
    /// The token of the device cookie: someone signed in with this browser before.
    pub known_device: Option<String>,
    /// The token of the invitation cookie.
    pub pending_invitation: Option<String>,
    /// The choice of tenants that this browser keeps after a right password.
    pub tenant_choice: Option<TenantChoice>,
}

impl SignInRequest {
    /// Returns the browser of a request without any cookies.
    pub fn new(session: Session, address: IpAddr, device: impl Into<String>) -> Self {
        Self {
            session,
            browser: None,
            incomplete: None,
            address,
            device: device.into(),
            known_device: None,
            pending_invitation: None,
            tenant_choice: None,
        }
    }
}

/// The sign-in service of one request. Pages and server functions find it in their context.
pub struct SignIn {
    pub(crate) auth: Auth,
    pub(crate) session: Session,
    pub(crate) browser: Option<Browser>,
    pub(crate) incomplete: Option<IncompleteSignIn>,
    pub(crate) address: IpAddr,
    pub(crate) device: String,
    pub(crate) known_device: Option<String>,
    pending_invitation: Option<String>,
    pub(crate) tenant_choice: Option<TenantChoice>,
    new_device: Mutex<Option<String>>,
    new_invitation: Mutex<Option<InvitationCookie>>,
    new_tenant_choice: Mutex<Option<HeaderValue>>,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("browser", &self.browser).finish_non_exhaustive()
    }
}

impl SignIn {
    pub fn new(auth: Auth, request: SignInRequest) -> Self {
        let SignInRequest {
            session,
            browser,
            incomplete,
            address,
            device,
            known_device,
            pending_invitation,
            tenant_choice,
        } = request;
        Self {
            auth,
            session,
            browser,
            incomplete,
            address,
            device,
            known_device,
            pending_invitation,
            tenant_choice,
            new_device: Mutex::default(),
            new_invitation: Mutex::default(),
            new_tenant_choice: Mutex::default(),
        }
    }

    /// Ends this session and records that in the audit log.
    ///
    /// # Errors
    /// Fails if the store cannot write.
    pub async fn sign_out(&self) -> Result<(), Error> {
        if self.tenant_choice.is_some() {
            self.remove_tenant_choice();
        }
        if let Some(browser) = self.session_holder()
            && let Some(owner) = browser.actor.person()
        {
            let action = EndBrowserSession { session: browser.session, owner };
            let proof = self.auth.store.authorize(&browser.actor, action).await?;
            let mut write = self.auth.store.write(&browser.actor).await?;
            match write.end_browser_session(proof).await {
                Ok(()) => write.commit().await?,
                Err(store::Error::NotFound) => {} // it was ended elsewhere in the meantime
                Err(error) => return Err(error.into()),
            }
        }
        self.session.flush().await.map_err(|error| unavailable(&error))
    }

    /// Returns the stage of the sign-in of the session's holder.
    pub fn stage(&self) -> Stage {
        match (&self.browser, &self.incomplete) {
            (Some(_), _) => Stage::Complete,
            (None, Some(incomplete)) => incomplete.stage,
            (None, None) => Stage::SignedOut,
        }
    }

    /// Returns the session, once its sign-in is complete.
    pub fn session(&self) -> Option<BrowserSessionId> {
        self.browser.as_ref().map(|browser| browser.session)
    }

    /// Returns the signed-in person.
    pub fn browser(&self) -> Option<&Browser> {
        self.browser.as_ref()
    }

    /// Returns the holder of the session, whether or not their sign-in is complete.
    pub fn session_holder(&self) -> Option<&Browser> {
        self.browser.as_ref().or_else(|| self.incomplete.as_ref().map(|incomplete| &incomplete.browser))
    }

    pub fn is_mail_enabled(&self) -> bool {
        self.auth.store.is_mail_enabled()
    }

    /// Returns the token of the invitation that this browser keeps while its holder signs in.
    pub fn pending_invitation(&self) -> Option<String> {
        self.pending_invitation.clone()
    }

    pub(crate) fn set_pending_invitation(&self, cookie: InvitationCookie) {
        *self.new_invitation.lock() = Some(cookie);
    }

    pub(crate) fn set_device(&self, token: String) {
        *self.new_device.lock() = Some(token);
    }

    pub(crate) fn set_tenant_choice(&self, cookie: Option<HeaderValue>) {
        *self.new_tenant_choice.lock() = cookie;
    }

    /// Returns the cookie of the tenant choice that the response must set, once.
    pub fn take_tenant_choice(&self) -> Option<HeaderValue> {
        self.new_tenant_choice.lock().take()
    }

    /// Returns the device cookie that the response must set, once.
    pub fn take_device(&self) -> Option<String> {
        self.new_device.lock().take()
    }

    /// Returns the invitation cookie that the response must set, once.
    pub fn take_pending_invitation(&self) -> Option<InvitationCookie> {
        self.new_invitation.lock().take()
    }

    /// Returns the throttle's subject for attempts from this request's network.
    pub(crate) fn network_attempts(&self) -> [u8; 32] {
        digest(&format!("address {}", subscriber_of(self.address)))
    }
}
