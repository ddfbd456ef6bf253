//! Tenant choice: the last step of a password sign-in whose password belongs to accounts of several tenants.
use crate::{Error, SessionKey, SignIn, Token, digest, sealed_cookie};
use domain::{Email, PersonId, TenantId, Timestamp};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};
use store::Credential;

/// Time that a person has to choose.
const LIFETIME: Duration = Duration::from_mins(5);

/// The accounts that a password belongs to. Only the browser that sent the password has it, in a sealed cookie.
#[derive(Clone, Serialize, Deserialize)]
pub struct TenantChoice {
    /// The store marks its hash as used.
    id: String,
    email: Email,
    /// Each account with the digest of its password hash: after a change of the password it is no longer offered.
    accounts: Vec<(PersonId, [u8; 32])>,
    expires_at: Timestamp,
}

impl fmt::Debug for TenantChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantChoice")
    }
}

/// A tenant that a person can sign in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoosableTenant {
    pub id: TenantId,
    pub name: String,
}

impl TenantChoice {
    /// Returns the choice in the request's cookie; `None` if it was sealed elsewhere or changed.
    pub fn from_headers(headers: &HeaderMap, key: &SessionKey, https: bool) -> Option<Self> {
        sealed_cookie::from_headers(headers, cookie_name(https), key)
    }
}

/// Returns how a choice names an account.
fn key(account: &Credential) -> (PersonId, [u8; 32]) {
    (account.id, digest(account.password_hash.as_deref().unwrap_or_default()))
}

impl SignIn {
    /// Lets the person choose between accounts that have the same address and password.
    pub(crate) fn offer_tenants<'a>(
        &self,
        email: Email,
        accounts: impl Iterator<Item = &'a Credential>,
    ) -> Result<(), Error> {
        let choice = TenantChoice {
            id: Token::new("")?.text,
            email,
            accounts: accounts.map(key).collect(),
            expires_at: self.auth.store.now().after(LIFETIME),
        };
        let (settings, https) = (&self.auth.settings, self.auth.settings.is_https());
        let cookie = sealed_cookie::seal(cookie_name(https), &choice, LIFETIME, &settings.session_key, https);
        self.set_tenant_choice(Some(cookie.ok_or(Error::Unavailable)?));
        Ok(())
    }

    /// Returns the tenants that this browser's person can choose from, oldest account first.
    ///
    /// # Errors
    /// Fails with [`Error::SignInExpired`] if there is no choice to make.
    pub async fn choosable_tenants(&self) -> Result<Vec<ChoosableTenant>, Error> {
        let (_, accounts) = self.offered_accounts().await?;
        let tenant = |account: Credential| ChoosableTenant { id: account.tenant_id, name: account.tenant };
        Ok(accounts.into_iter().map(tenant).collect())
    }

    /// Signs in to the account of the chosen tenant.
    ///
    /// # Errors
    /// Fails with [`Error::SignInExpired`] if the choice was made, has expired, or does not offer this tenant.
    pub async fn choose_tenant(&self, tenant: TenantId) -> Result<(), Error> {
        let (choice, accounts) = self.offered_accounts().await?;
        let account = accounts.into_iter().find(|account| account.tenant_id == tenant).ok_or(Error::SignInExpired)?;
        if !self.auth.store.system().consume_sign_in(digest(&choice.id), choice.expires_at).await? {
            return Err(Error::SignInExpired);
        }
        let https = self.auth.settings.is_https();
        self.set_tenant_choice(sealed_cookie::removal(cookie_name(https), https));
        let by = self.password_method(tenant, account.id).await?.ok_or(Error::PasswordSignInDisabled)?;
        self.open_account(account, by).await
    }

    /// Returns the choice of this browser, with the accounts that it still offers.
    async fn offered_accounts(&self) -> Result<(&TenantChoice, Vec<Credential>), Error> {
        let current = self.tenant_choice.as_ref().filter(|choice| choice.expires_at > self.auth.store.now());
        let choice = current.ok_or(Error::SignInExpired)?;
        let mut accounts = self.auth.store.system().credentials(&choice.email).await?;
        accounts.retain(|account| account.locked_at.is_none() && choice.accounts.contains(&key(account)));
        if accounts.is_empty() {
            return Err(Error::SignInExpired);
        }
        Ok((choice, accounts))
    }
}

const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-castellan-tenants" } else { "castellan-tenants" }
}
