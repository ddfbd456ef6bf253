//! Passwords and addresses of people's own accounts: changes, and the one-time links to them (D-02).
use crate::{
    Authenticated, Browser, Error, SignIn, check_password, digest, error::unavailable, factors::factor_attempts,
    token::Token,
};
use domain::{
    Actor, Email, Invalid, PersonId, Principal, SignedInBy,
    anomalies::subscriber_of,
    policy::{ChangeAddress, ChangePassword},
};
use store::{Credential, MailedLink, SignInBasis};

/// A change of someone's address that waits for confirmation.
#[derive(Clone, Debug)]
pub struct AddressChange {
    /// The new address.
    pub email: String,
    /// Whether the link was mailed to the current address.
    pub to_current: bool,
}

impl SignIn {
    fn own(&self) -> Result<(&Browser, PersonId), Error> {
        let browser = self.browser.as_ref().ok_or(Error::NotSignedIn)?;
        Ok((browser, browser.actor.person().ok_or(Error::NotSignedIn)?))
    }

    /// Changes the signed-in person's password, authorized by the old one, and ends all their other sessions.
    ///
    /// # Errors
    /// Fails if the old password is wrong, or the new one is too weak.
    pub async fn change_password(&self, old: String, new: String) -> Result<(), Error> {
        let (browser, owner) = self.own()?;
        let (actor, store) = (&browser.actor, &self.auth.store);
        let attempts = factor_attempts(owner);
        let _attempt = self.begin_attempt(&[attempts], &[(actor.tenant, owner)]).await?;
        if !self.is_password_of(actor, old).await? {
            store.system().note_failure(attempts).await?;
            return Err(Invalid::new("old_password", "is incorrect").into());
        }
        store.system().forget_failures(attempts).await?;
        let email = actor.email.as_ref().map_or("", Email::as_str);
        let wrong = |wrong: Invalid| Invalid::new("new_password", wrong.reason);
        check_password(&new, &[&actor.name, email]).map_err(wrong)?;
        let hash = self.auth.hasher.hash(new).await.map_err(|error| unavailable(&error))?;
        let proof = store.authorize(actor, ChangePassword { owner }).await?;
        let mut write = store.write(actor).await?;
        write.change_password(proof, &hash, Some(browser.session)).await?;
        write.commit().await?;
        Ok(())
    }

    /// Mails a password link for each account with this address. The response and its time are the same for an unknown address.
    ///
    /// # Errors
    /// Fails with [`Error::Throttled`] after too many requests from one network.
    pub async fn mail_password_link(&self, email: String) -> Result<(), Error> {
        let email = Email::parse(&email)?;
        let (store, network) = (self.auth.store.clone(), digest(&format!("forgot {}", subscriber_of(self.address))));
        let _attempt = self.begin_attempt(&[network], &[]).await?;
        store.system().note_failure(network).await?;
        let address = Some(self.address.to_string());
        // In the background, because the time it takes would reveal whether the address is known.
        let made = async move { mail_password_links(&store, &email, address).await };
        self.auth.background.rare().write("a link for a forgotten password", made);
        Ok(())
    }

    /// Requests another address for the signed-in person: mails a link to it and one to the current address.
    ///
    /// # Errors
    /// Fails with [`Error::NoMail`] if the server cannot send email.
    pub async fn request_address_change(&self, email: String) -> Result<(), Error> {
        let (browser, owner) = self.own()?;
        let (actor, store, email) = (&browser.actor, &self.auth.store, Email::parse(&email)?);
        if !store.is_mail_enabled() {
            return Err(Error::NoMail);
        }
        if actor.email.as_ref() == Some(&email) {
            return Err(Invalid::new("email", "is already your address").into());
        }
        let proof = store.authorize(actor, ChangeAddress { owner }).await?;
        let (new, present) = (Token::new("")?, Token::new("")?);
        let mut write = store.write(actor).await?;
        write.request_address_change(proof, &email, mailed(&new), mailed(&present)).await?;
        write.commit().await?;
        Ok(())
    }

    /// Returns the address change of a link.
    ///
    /// # Errors
    /// Fails with [`Error::AddressLinkInvalid`].
    pub async fn address_change(&self, token: String) -> Result<AddressChange, Error> {
        let found = self.auth.store.system().address_change(digest(&token)).await?;
        let change = found.ok_or(Error::AddressLinkInvalid)?;
        Ok(AddressChange { email: change.email.to_string(), to_current: change.present })
    }

    /// Confirms an address change by the link to the new or the current address, without signing in. Returns whether the address
    /// is changed now; otherwise the other link is still needed.
    ///
    /// # Errors
    /// Fails with [`Error::AddressLinkInvalid`].
    pub async fn confirm_address(&self, token: String) -> Result<bool, Error> {
        let (token, store) = (digest(&token), &self.auth.store);
        let change = store.system().address_change(token).await?.ok_or(Error::AddressLinkInvalid)?;
        let reader = Actor {
            principal: Principal::Person(change.person_id),
            address: Some(self.address.to_string()),
            ..Actor::clock(change.tenant_id, store.now())
        };
        let own = self.browser.as_ref().filter(|browser| browser.actor.person() == Some(change.person_id));
        let mut write = store.write(&reader).await?;
        let changed = match write.confirm_address(token, own.map(|browser| browser.session)).await {
            Err(store::Error::NotFound) => return Err(Error::AddressLinkInvalid),
            confirmed => confirmed?.is_some(),
        };
        write.commit().await?;
        Ok(changed)
    }

    /// Returns the name and address of the person of a password link.
    ///
    /// # Errors
    /// Fails with [`Error::PasswordLinkInvalid`].
    pub async fn password_link_holder(&self, token: String) -> Result<String, Error> {
        let system = self.auth.store.system();
        let link = system.password_link(digest(&token)).await?.ok_or(Error::PasswordLinkInvalid)?;
        let holder = system.holder(link.tenant_id, PersonId(link.id)).await?;
        Ok(format!("{} ({})", holder.name, holder.email))
    }

    /// Sets the password of the person of a one-time link, and signs them in.
    ///
    /// # Errors
    /// Fails with [`Error::PasswordLinkInvalid`], [`Error::PasswordsDisabled`], or the weakness of the password.
    pub async fn set_password(&self, token: String, password: String) -> Result<(), Error> {
        if self.auth.settings.passwords_disabled() {
            return Err(Error::PasswordsDisabled);
        }
        let (token, store) = (digest(&token), &self.auth.store);
        let link = store.system().password_link(token).await?.ok_or(Error::PasswordLinkInvalid)?;
        let (tenant, person) = (link.tenant_id, PersonId(link.id));
        let holder = store.system().holder(tenant, person).await?;
        check_password(&password, &[&holder.name, holder.email.as_str()])?;
        let hash = self.auth.hasher.hash(password).await.map_err(|error| unavailable(&error))?;

        let holder = Actor {
            principal: Principal::Person(person),
            name: holder.name,
            email: Some(holder.email),
            by: SignedInBy::Link,
            address: Some(self.address.to_string()),
            ..Actor::clock(tenant, store.now())
        };
        let mut write = store.write(&holder).await?;
        match write.use_password_link(token).await {
            Err(store::Error::NotFound) => return Err(Error::PasswordLinkInvalid),
            used => used?,
        };
        write.set_password(person, &hash).await?;
        write.commit().await?;
        let (by, basis) = (SignedInBy::Link, SignInBasis::Password(Some(hash)));
        self.open(Authenticated { tenant, person, by, basis, second_factor_verified: false, authenticated_at: None })
            .await
    }
}

fn mailed(token: &Token) -> MailedLink<'_> {
    MailedLink { token: &token.text, token_hash: token.hash }
}

async fn mail_password_links(store: &store::Store, email: &Email, address: Option<String>) -> Result<(), store::Error> {
    let mut mailed = Ok(());
    for known in store.system().credentials(email).await?.iter().filter(|known| known.locked_at.is_none()) {
        mailed = mailed.and(mail_password_link(store, known, address.clone()).await);
    }
    mailed
}

async fn mail_password_link(
    store: &store::Store,
    known: &Credential,
    address: Option<String>,
) -> Result<(), store::Error> {
    let system = store.system();
    // Limited to a few links an hour, so that a mailbox cannot be flooded.
    let requests = digest(&format!("forgot {}", known.id));
    if system.throttled(requests).await?.is_some() {
        return Ok(());
    }
    system.note_failure(requests).await?;
    let Ok(token) = Token::new("") else { return Ok(()) };
    let clock = Actor { address, ..Actor::clock(known.tenant_id, store.now()) };
    let mut write = store.write(&clock).await?;
    match write.mail_password_link(known.id, &token.text, token.hash).await {
        Err(store::Error::NotFound) => Ok(()), // the account has no password
        Err(error) => Err(error),
        Ok(()) => write.commit().await,
    }
}
