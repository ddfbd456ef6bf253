//! Tenant choice: the last step of a password sign-in whose password belongs to accounts of several tenants.
use crate::{
    Error, SignIn, Token, digest, sealed_cookie,
    tenant_choice_cookie::{LIFETIME, TenantChoice, cookie_name},
};
use domain::{Email, PersonId, TenantId};
use store::Credential;

/// A tenant that a person can sign in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChoosableTenant {
    pub id: TenantId,
    pub name: String,
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
        self.remove_tenant_choice();
        let by = self.password_method(tenant, account.id).await?.ok_or(Error::PasswordSignInDisabled)?;
        self.open_account(account, by).await
    }

    /// Removes the choice of this browser, which must not outlive another sign-in or a sign-out.
    pub(crate) fn remove_tenant_choice(&self) {
        let https = self.auth.settings.is_https();
        self.set_tenant_choice(sealed_cookie::removal(cookie_name(https), https));
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
