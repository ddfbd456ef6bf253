//! Sign-in service of one request: the password sign-in, the sign-out, and the state that the other modules work on.
use crate::{
    Auth, Authenticated, Browser, Error, IncompleteSignIn, Stage, attempt_log, digest, error::unavailable,
    invitation_cookie::InvitationCookie,
};
use domain::{
    BrowserSessionId, Email, PersonId, SignedInBy, TenantId, anomalies::subscriber_of, policy::EndBrowserSession,
};
use parking_lot::Mutex;
use std::{fmt, net::IpAddr};
use store::SignInBasis;
use tower_sessions::Session;
use uuid::Uuid;

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
    new_device: Mutex<Option<String>>,
    new_invitation: Mutex<Option<InvitationCookie>>,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("browser", &self.browser).finish_non_exhaustive()
    }
}

/// Failed passwords of one account, from all addresses together, before the account is throttled for unknown browsers.
const MAX_FAILURES_PER_ACCOUNT: i64 = 100;
/// In place of an unknown account: no person has this id.
const NO_ACCOUNT: (TenantId, PersonId) = (TenantId(Uuid::nil()), PersonId(Uuid::nil()));

impl SignIn {
    pub fn new(auth: Auth, request: SignInRequest) -> Self {
        let SignInRequest { session, browser, incomplete, address, device, known_device, pending_invitation } = request;
        Self {
            auth,
            session,
            browser,
            incomplete,
            address,
            device,
            known_device,
            pending_invitation,
            new_device: Mutex::default(),
            new_invitation: Mutex::default(),
        }
    }

    /// Opens a session. The response and its time are the same for an unknown address and a wrong password.
    ///
    /// # Errors
    /// Fails with [`Error::WrongPassword`], [`Error::PasswordSignInDisabled`], or [`Error::Throttled`] after too
    /// many failures.
    pub async fn sign_in(&self, email: String, password: String) -> Result<(), Error> {
        let email = Email::parse(&email);
        let account = email.as_ref().map_or("", Email::as_str);
        let system = self.auth.store.system();
        let credential = match &email {
            Ok(email) => system.credential(email).await?.filter(|known| known.locked_at.is_none()),
            Err(_) => None,
        };
        let device = self.known_device.as_deref().map(digest);
        // From here on an unknown address costs as many reads and writes as a known one, so that the response time does not
        // reveal which it is.
        let (tenant, person) = credential.as_ref().map_or(NO_ACCOUNT, |known| (known.tenant_id, known.id));
        let known_device = match device {
            Some(device) => system.is_known_device(tenant, person, device).await?,
            None => false,
        };
        // Guesses from elsewhere must not lock people out of a browser that they signed in with before, and guesses at one
        // address must not lock the account's owner out at another.
        let everywhere = account_attempts(account);
        let known = credential.as_ref().map(|known| (known.tenant_id, known.id));
        let counted = match device.filter(|_| known_device) {
            Some(device) => vec![device],
            None => {
                if let Some(until) = system.throttled_after(everywhere, MAX_FAILURES_PER_ACCOUNT).await? {
                    return Err(self.throttled_until(until, known).await);
                }
                vec![digest(&format!("account {account} {}", subscriber_of(self.address))), self.network_attempts()]
            }
        };
        let _attempt = self.begin_attempt(&counted, known).await?;
        let hash = credential.as_ref().and_then(|known| known.password_hash.clone());
        let right = self.auth.hasher.verify(password, hash).await.map_err(|error| unavailable(&error))?;
        let by = self.password_method(tenant, person).await?;
        let Some((credential, by)) = credential.as_ref().filter(|_| right).zip(by) else {
            for subject in counted.iter().chain((!known_device).then_some(&everywhere)) {
                system.note_failure(*subject).await?;
            }
            let reason = if right { "passwords are disabled" } else { "wrong password" };
            attempt_log::failed_sign_in(&self.auth, self.address, known, reason).await;
            let disabled = self.auth.settings.passwords_disabled();
            return Err(if disabled { Error::PasswordSignInDisabled } else { Error::WrongPassword });
        };
        if let Some(first) = counted.first() {
            system.forget_failures(*first).await?;
        }
        let basis = SignInBasis::Password(credential.password_hash.clone());
        let (tenant, person) = (credential.tenant_id, credential.id);
        self.open(Authenticated { tenant, person, by, basis, second_factor_verified: false, authenticated_at: None })
            .await
    }

    /// Ends this session and records that in the audit log.
    ///
    /// # Errors
    /// Fails if the store cannot write.
    pub async fn sign_out(&self) -> Result<(), Error> {
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

    /// Returns how this account may sign in by password, if at all: while one provider is the only sign-in method, by break-glass access.
    async fn password_method(&self, tenant: TenantId, person: PersonId) -> Result<Option<SignedInBy>, Error> {
        if !self.auth.settings.passwords_disabled() {
            return Ok(Some(SignedInBy::Password));
        }
        let open = self.auth.store.system().may_break_glass(tenant, person).await?;
        Ok(open.then_some(SignedInBy::BreakGlass))
    }
}

/// Returns the throttle's subject for attempts at an account, from all addresses together.
pub(crate) fn account_attempts(account: &str) -> [u8; 32] {
    digest(&format!("account {account}"))
}
