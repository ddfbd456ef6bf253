//! Session start: opens a session for an authenticated person, and completes one with a second factor. Each happens in the
//! transaction that checks its preconditions again (E11).
use crate::{
    Authenticated, Browser, Error, SignIn, browser, digest,
    error::unavailable,
    password_sign_in::{account_attempts, address_attempts},
    sessions::{self, HOLDER, Holder},
    token::Token,
};
use domain::{Actor, BrowserSessionId, Email, PersonId, TenantId};
use store::{Arrival, Error as StoreError, NewBrowserSession, Write};
use tower_sessions::session::Id;

impl SignIn {
    /// Opens a session under a new id, and ends the one that was open in this browser.
    ///
    /// # Errors
    /// Fails with [`Error::AccountChanged`] if the credential of the sign-in is no longer valid.
    pub async fn open(&self, authenticated: Authenticated) -> Result<(), Error> {
        self.sign_out().await?;
        let Authenticated { tenant, person, by, basis, second_factor_verified, authenticated_at } = authenticated;
        let (store, id) = (&self.auth.store, sessions::random_id().map_err(|error| unavailable(&error))?);
        let authenticated_at = authenticated_at.unwrap_or_else(|| store.now());
        let session = BrowserSessionId(store::new_id());
        let holder = Holder {
            tenant,
            person,
            session,
            by,
            authenticated_at,
            second_factor_verified,
            opened: true,
            who: None,
            next_id: None,
        };
        let who = match store.system().holder(tenant, person).await {
            Err(StoreError::NotFound) => return Err(Error::AccountChanged), // locked since
            who => who?,
        };
        let (address, email, has_factor) = (self.address.to_string(), who.email.clone(), who.has_factor);
        let new = NewBrowserSession {
            token_hash: digest(&id.to_string()),
            id: session,
            person,
            by,
            basis,
            second_factor_verified,
            authenticated_at,
            device: self.device.clone(),
            address: address.clone(),
            expires_at: store.now().after(self.auth.settings.session_lifetime),
        };
        let actor = browser::actor(&holder, who, Some(address), true);
        match store.system().open_browser_session(&actor, new).await {
            Err(StoreError::NotFound) => return Err(Error::AccountChanged),
            opened => opened?,
        }
        if second_factor_verified || !has_factor {
            self.clear_account_failures(person, &email).await?;
        }
        self.set_session(holder, id).await?;
        self.record_device(tenant, person, second_factor_verified).await
    }

    /// Clears the failures of an account and its address from all networks, once its owner has signed in.
    async fn clear_account_failures(&self, person: PersonId, email: &Email) -> Result<(), Error> {
        let (system, device) = (self.auth.store.system(), self.known_device.as_deref());
        for subject in
            [address_attempts(email.as_str()), account_attempts(person, None), account_attempts(person, device)]
        {
            if system.has_failed(subject).await? {
                system.forget_failures(subject).await?;
            }
        }
        Ok(())
    }

    /// Begins a transaction that locks the session of `browser`, for the writes that complete the sign-in.
    pub(crate) async fn lock_session(&self, browser: &Browser) -> Result<Write, Error> {
        let mut write = self.auth.store.write(&browser.actor).await?;
        match write.lock_browser_session(browser.session).await {
            Err(StoreError::NotFound) => Err(Error::AccountChanged),
            locked => Ok(locked.map(|()| write)?),
        }
    }

    /// Commits a second factor, and continues the session under another id. If the session was ended in the meantime, it stays
    /// ended and nothing of `write` is committed.
    pub(crate) async fn complete(&self, mut write: Write, browser: &Browser) -> Result<(), Error> {
        let id = sessions::random_id().map_err(|error| unavailable(&error))?;
        match write.complete_second_factor(browser.session, digest(&id.to_string())).await {
            Err(StoreError::NotFound) => return Err(Error::AccountChanged),
            second_factor_verified => second_factor_verified?,
        }
        write.commit().await?;
        self.session.flush().await.map_err(|error| unavailable(&error))?;
        let holder = Holder {
            second_factor_verified: true,
            opened: true,
            authenticated_at: self.auth.store.now(),
            ..browser.holder.clone()
        };
        let (tenant, person) = (holder.tenant, holder.person);
        if let Some(email) = &browser.actor.email {
            self.clear_account_failures(person, email).await?;
        }
        self.set_session(holder, id).await?;
        self.record_device(tenant, person, true).await
    }

    /// Puts the session under `id` into this browser's cookie; the store has it already.
    async fn set_session(&self, holder: Holder, id: Id) -> Result<(), Error> {
        let holder = Holder { next_id: Some(id.0.to_be_bytes()), ..holder };
        self.session.insert(HOLDER, holder).await.map_err(|error| unavailable(&error))?;
        self.session.save().await.map_err(|error| unavailable(&error))
    }

    /// Records that the person signed in with this browser from this network, and reports it if either is new (N-06).
    async fn record_device(
        &self,
        tenant: TenantId,
        person: PersonId,
        second_factor_verified: bool,
    ) -> Result<(), Error> {
        let token = match &self.known_device {
            Some(token) => token.clone(),
            None => Token::new("")?.text,
        };
        let nobody = Actor { address: Some(self.address.to_string()), ..Actor::clock(tenant, self.auth.store.now()) };
        let mut write = self.auth.store.write(&nobody).await?;
        let arrival = Arrival { token_hash: digest(&token), device: self.device.clone(), second_factor_verified };
        write.arrive(person, &arrival).await?;
        write.commit().await?;
        self.set_device(token);
        Ok(())
    }
}
