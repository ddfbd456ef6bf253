//! Opening a session for whoever proved who they are, and completing one with a second factor: each in the transaction that
//! looks at what it rests on once more (E11).
use super::{
    Browser, BrowserDoor, browser, digest,
    door::{everywhere, unavailable},
    sessions::{self, HOLDER, Holder},
};
use app::{
    door::Door,
    outcome::{Kind, Refusal},
};
use domain::{Actor, BrowserSessionId, Email, PersonId, SignedInBy, TenantId, Timestamp};
use std::sync::PoisonError;
use store::{Arrival, Error, Ground, NewBrowserSession, Write};
use tower_sessions::session::Id;
use uuid::Uuid;

/// Somebody who proved who they are.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// Their tenant.
    pub tenant: TenantId,
    /// Who.
    pub person: PersonId,
    /// How they signed in.
    pub by: SignedInBy,
    /// With what: it must count still when the session is opened.
    pub ground: Ground,
    /// Whether a second factor was shown, or whoever signed them in vouches for one. Without it the session of somebody who
    /// has or must have one reaches nothing but the pages that ask for it (M-14).
    pub vouched: bool,
    /// When they proved it, if that was earlier and elsewhere: what asks for a fresh proof is as far away as that.
    pub proved_at: Option<Timestamp>,
}

/// For somebody whose account, or whose session, was changed by somebody else at that moment.
fn overtaken() -> Refusal {
    Refusal::new(Kind::SignedOut, "Your account was changed or signed out at this moment. Sign in again.")
}

impl BrowserDoor {
    /// Opens a session under a new id; one that was open in this browser ends.
    ///
    /// # Errors
    /// When the session cannot be made: what they signed in with may count no more.
    pub async fn open(&self, entrance: Authenticated) -> Result<(), Refusal> {
        self.sign_out().await?;
        let Authenticated { tenant, person, by, ground, vouched, proved_at } = entrance;
        let (store, id) = (&self.app.store, sessions::fresh().map_err(|error| unavailable(&error))?);
        let proved_at = proved_at.unwrap_or_else(|| store.now());
        let session = BrowserSessionId(Uuid::now_v7());
        let holder = Holder { tenant, person, session, by, proved_at, vouched, opened: true, who: None, becomes: None };
        let who = match store.system().holder(tenant, person).await {
            Err(Error::NotFound) => return Err(overtaken()), // locked out since
            who => who?,
        };
        let (address, email, has_factor) = (self.address.to_string(), who.email.clone(), who.has_factor);
        let new = NewBrowserSession {
            token_hash: digest(&id.to_string()),
            id: session,
            person,
            by,
            ground,
            vouched,
            proved_at,
            device: self.device.clone(),
            address: address.clone(),
            expires_at: store.now().after(self.app.config.sessions.absolute),
        };
        let actor = browser::actor(&holder, who, Some(address), true);
        match store.system().open_browser_session(&actor, new).await {
            Err(Error::NotFound) => return Err(overtaken()),
            opened => opened?,
        }
        if vouched || !has_factor {
            self.forgive(&email).await?;
        }
        self.carry(holder, id).await?;
        self.arrive(tenant, person, vouched).await
    }

    /// Somebody proved that an account is theirs: what others guessed at it, from wherever, holds nobody up any more.
    async fn forgive(&self, email: &Email) -> Result<(), Refusal> {
        let (system, guessed) = (self.app.store.system(), everywhere(email.as_str()));
        if system.has_failed(guessed).await? {
            system.forget_failures(guessed).await?;
        }
        Ok(())
    }

    /// A transaction in which the session of `browser` is held open; what completes it belongs in there.
    pub(super) async fn holding(&self, browser: &Browser) -> Result<Write, Refusal> {
        let mut write = self.app.store.write(&browser.actor).await?;
        match write.hold_browser_session(browser.session).await {
            Err(Error::NotFound) => Err(overtaken()),
            held => Ok(held.map(|()| write)?),
        }
    }

    /// Commits that a second factor was shown in a session, which goes on under another id. One that was ended meanwhile stays
    /// so, and nothing of `write` has happened.
    pub(super) async fn complete(&self, mut write: Write, browser: &Browser) -> Result<(), Refusal> {
        let id = sessions::fresh().map_err(|error| unavailable(&error))?;
        match write.vouch_browser_session(browser.session, digest(&id.to_string())).await {
            Err(Error::NotFound) => return Err(overtaken()),
            vouched => vouched?,
        }
        write.commit().await?;
        self.session.flush().await.map_err(|error| unavailable(&error))?;
        let holder = Holder { vouched: true, opened: true, proved_at: self.app.store.now(), ..browser.holder.clone() };
        let (tenant, person) = (holder.tenant, holder.person);
        if let Some(email) = &browser.actor.email {
            self.forgive(email).await?;
        }
        self.carry(holder, id).await?;
        self.arrive(tenant, person, true).await
    }

    /// From now on this browser's cookie holds `id`, under which the store has the session.
    async fn carry(&self, holder: Holder, id: Id) -> Result<(), Refusal> {
        let holder = Holder { becomes: Some(id.0.to_be_bytes()), ..holder };
        self.session.insert(HOLDER, holder).await.map_err(|error| unavailable(&error))?;
        self.session.save().await.map_err(|error| unavailable(&error))
    }

    /// From now on this browser is one that the person signed in with, from this network; what is new of it is told (N-06).
    async fn arrive(&self, tenant: TenantId, person: PersonId, vouched: bool) -> Result<(), Refusal> {
        let token = match &self.known_device {
            Some(token) => token.clone(),
            None => app::token::Token::new("")?.text,
        };
        let nobody = Actor { address: Some(self.address.to_string()), ..Actor::clock(tenant, self.app.store.now()) };
        let mut write = self.app.store.write(&nobody).await?;
        let arrival = Arrival { token_hash: digest(&token), device: self.device.clone(), vouched };
        write.arrive(person, &arrival).await?;
        write.commit().await?;
        *self.new_device.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        Ok(())
    }
}
