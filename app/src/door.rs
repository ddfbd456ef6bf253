//! What pages ask of the server beside the store: signing in and out. `server/src/auth` is the one that does it.
use crate::outcome::Refusal;
use domain::{BrowserSessionId, IdentityId, OrganizationId, ProviderId, TenantId, provider::Provider, role::Role};
use std::{future::Future, pin::Pin, sync::Arc};
use store::Factors;

/// An answer that takes a while.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Refusal>> + Send + 'a>>;

/// The door of one request: knows its session and where it came from. In the context of every page and server function.
pub trait Door: Send + Sync {
    /// Opens a session, or says no: the same words and the same time for an unknown address and a wrong password.
    fn sign_in(&self, email: String, password: String) -> Answer<'_, ()>;
    /// How far whoever holds the session has come with signing in.
    fn stage(&self) -> Stage;
    /// The second factors of whoever holds the session, however far they have come.
    fn factors(&self) -> Answer<'_, Factors>;
    /// Takes a code of the authenticator app, or a recovery code, and completes the session under a new id.
    fn show_factor(&self, code: String) -> Answer<'_, ()>;
    /// Makes a secret for an authenticator app, which counts for nothing yet.
    fn offer_totp(&self) -> Answer<'_, ()>;
    /// The secret that was made and not confirmed yet.
    fn offered_totp(&self) -> Answer<'_, TotpOffer>;
    /// Takes the app's first code; the session is complete with it. The recovery codes, where there were none: shown once.
    fn confirm_totp(&self, code: String) -> Answer<'_, Option<String>>;
    /// Whether this server sends mail.
    fn sends_mail(&self) -> bool;
    /// Changes one's own password, which the old one proves; ends all other sessions.
    fn change_password(&self, old: String, new: String) -> Answer<'_, ()>;
    /// Mails a link to whoever has this address, if anybody has: the answer is the same.
    fn mail_password_link(&self, email: String) -> Answer<'_, ()>;
    /// Asks for another address for oneself: a link is mailed to it, and one to the present one.
    fn ask_address(&self, email: String) -> Answer<'_, ()>;
    /// Which address a link is about, or why it opens nothing.
    fn may_confirm_address(&self, token: String) -> Answer<'_, AddressAsked>;
    /// Follows such a link; says whether the address is changed with that, or the other link is waited for.
    fn confirm_address(&self, token: String) -> Answer<'_, bool>;
    /// The name that passkeys are bound to, where there can be any.
    fn passkey_host(&self) -> Option<String>;
    /// What a browser is to be asked for a passkey, as JSON.
    fn ask_passkey(&self, purpose: PasskeyPurpose) -> Answer<'_, String>;
    /// Adds a passkey; the session is complete with it. The recovery codes, where there were none: shown once.
    fn add_passkey(&self, passkey: PasskeyAnswer, name: String) -> Answer<'_, Option<String>>;
    /// Takes a passkey as the second step, and completes the session under a new id.
    fn show_passkey(&self, passkey: PasskeyAnswer) -> Answer<'_, ()>;
    /// Takes a passkey as the only factor, and opens a session.
    fn sign_in_by_passkey(&self, passkey: PasskeyAnswer) -> Answer<'_, ()>;
    /// Ends this session for good.
    fn sign_out(&self) -> Answer<'_, ()>;
    /// Makes the first tenant, organization and admin, and signs them in. `token` is the set-up link's.
    fn set_up(&self, token: String, new: FirstAdmin) -> Answer<'_, ()>;
    /// Sets the password that a one-time link is for, and signs that person in.
    fn set_password(&self, token: String, password: String) -> Answer<'_, ()>;
    /// The name and address of the person whom a one-time link is for, or why it opens nothing.
    fn link_holder(&self, token: String) -> Answer<'_, String>;
    /// What an invitation's link offers, or why it opens nothing: the same for every link that does not.
    fn invitation(&self, token: String) -> Answer<'_, Invited>;
    /// The token of the invitation that this browser holds while somebody signs in with it.
    fn held_invitation(&self) -> Option<String>;
    /// Follows an invitation with the account of whoever is signed in; says where to.
    fn accept_invitation(&self, token: String) -> Answer<'_, OrganizationId>;
    /// Makes an account for whom an invitation brings, signs them in and says where to; nothing where the address must be
    /// confirmed first: then a link is mailed to it.
    fn join(&self, token: String, new: Newcomer) -> Answer<'_, Option<OrganizationId>>;
    /// Whether the set-up link with this token still opens anything.
    fn may_set_up(&self, token: String) -> Answer<'_, ()>;
    /// What leads in: for the sign-in page of a tenant, or of the first.
    fn ways_in(&self, tenant: Option<TenantId>) -> Answer<'_, WaysIn>;
    /// The providers of the configuration file that are for the signed-in person's tenant.
    fn configured(&self) -> Answer<'_, Vec<Configured>>;
    /// The id of the one way in, if there is only one.
    fn primary_provider(&self) -> Option<String>;
    /// Whether a provider that is made in Settings may be on the server's own machine.
    fn takes_loopback_issuers(&self) -> bool;
    /// The address that a provider sends browsers back to.
    fn redirect_of(&self, key: &str) -> String;
    /// Ends a link of one's own to an identity.
    fn unlink_identity(&self, identity: IdentityId) -> Answer<'_, ()>;
    /// Asks a provider what it is.
    fn probe(&self, provider: ProviderId) -> Answer<'_, Findings>;
    /// This session, if one is open.
    fn session(&self) -> Option<BrowserSessionId>;
}

/// [`Door`] as pages find it in their context.
pub type TheDoor = Arc<dyn Door>;

/// How far somebody has come with signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody is signed in.
    Nobody,
    /// They have a second factor and have not shown it.
    Show,
    /// They must have a second factor, and have none.
    Enroll,
    /// They are signed in.
    Complete,
}

/// Another address that somebody asked for.
#[derive(Clone, Debug)]
pub struct AddressAsked {
    /// Which.
    pub email: String,
    /// Whether the link came to the present address.
    pub present: bool,
}

/// What a passkey is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyPurpose {
    /// To be made.
    Register,
    /// To be shown by somebody who is known: as the second step, or as a fresh proof.
    Show,
    /// To sign in with and nothing else.
    SignIn,
}

impl PasskeyPurpose {
    /// The word for it in a form.
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "register" => Some(Self::Register),
            "show" => Some(Self::Show),
            "sign-in" => Some(Self::SignIn),
            _ => None,
        }
    }
}

/// What a browser answered when it was asked for a passkey.
#[derive(Clone, Debug)]
pub struct PasskeyAnswer {
    /// The token of what was asked.
    pub ceremony: String,
    /// The answer, as WebAuthn's own JSON.
    pub passkey: String,
}

/// What an authenticator app is set up with; `Debug` leaves it out.
#[derive(Clone)]
pub struct TotpOffer {
    /// The secret in Base32, to type.
    pub secret: String,
    /// The same as an address, to read from the screen.
    pub uri: String,
}

impl std::fmt::Debug for TotpOffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpOffer")
    }
}

/// What leads in.
#[derive(Clone, Debug, Default)]
pub struct WaysIn {
    /// Whether passwords do.
    pub password: bool,
    /// The providers that do.
    pub providers: Vec<WayIn>,
}

/// A provider that leads in.
#[derive(Clone, Debug)]
pub struct WayIn {
    /// Its id in addresses.
    pub key: String,
    /// What its button says after "Sign in with".
    pub label: String,
}

/// A provider of the configuration file.
#[derive(Clone, Debug)]
pub struct Configured {
    /// Its id in addresses.
    pub key: String,
    /// How it is set up.
    pub provider: Provider,
    /// The address that it sends browsers back to.
    pub redirect: String,
}

/// What a provider says of itself.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What it calls itself.
    pub issuer: String,
    /// Where browsers are sent.
    pub authorization: Option<String>,
    /// Where codes are traded.
    pub token: Option<String>,
    /// Where more is said of people.
    pub userinfo: Option<String>,
    /// What it signs with.
    pub algorithms: Vec<String>,
    /// How many keys it has.
    pub keys: usize,
    /// Whether its answers say whose they are (RFC 9207).
    pub names_itself: bool,
    /// The address that must be known to it.
    pub redirect: String,
}

/// What an invitation offers.
#[derive(Clone, Debug)]
pub struct Invited {
    /// What the organization is called.
    pub organization: String,
    /// As what.
    pub role: Role,
    /// Who invites.
    pub inviter: String,
    /// The one address that it is for.
    pub email: Option<String>,
    /// Whether a newcomer's address must be confirmed by mail before there is an account.
    pub confirms: bool,
    /// Whether passwords lead in at all.
    pub passwords: bool,
}

/// What a newcomer writes.
#[derive(Clone)]
pub struct Newcomer {
    /// What people call them.
    pub name: String,
    /// Their address, where the invitation is not for one.
    pub email: String,
    /// Their password; `Debug` leaves it out.
    pub password: String,
}

impl std::fmt::Debug for Newcomer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Newcomer").field("email", &self.email).finish_non_exhaustive()
    }
}

/// What the set-up page asks for.
#[derive(Clone)]
pub struct FirstAdmin {
    /// What the company is called.
    pub tenant: String,
    /// What the first organization is called.
    pub organization: String,
    /// The admin's name.
    pub name: String,
    /// The admin's address.
    pub email: String,
    /// The admin's password; `Debug` leaves it out.
    pub password: String,
}

impl std::fmt::Debug for FirstAdmin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstAdmin").field("email", &self.email).finish_non_exhaustive()
    }
}
