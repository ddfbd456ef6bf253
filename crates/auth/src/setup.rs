//! Set-up link: a one-time link that creates the first tenant and its admin (D-02). There is no default account.
use crate::{Authenticated, Error, SignIn, check_password, digest, error::unavailable, passkey_verifier::Passkeys};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{
    Email, SignedInBy,
    policy::{CreateOrganization, CreatePerson, SetMembership},
    role::{Role, TenantRole},
    text,
};
use std::{fmt, fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};
use store::{SignInBasis, Store};

const LINK_LIFETIME: Duration = Duration::from_hours(1);
/// The file with the link, for operators who cannot read the server's console.
const FILE: &str = "setup-link";

/// The reason why no set-up link was created.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the operating system returned no random bytes: {0}")]
    Random(getrandom::Error),
    #[error("{FILE} cannot be written: {0}")]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Creates a set-up link on this origin, with the host name of passkeys instead of a loopback address, unless there are people already; earlier links become invalid.
///
/// # Errors
/// Fails if the link cannot be created or written.
pub async fn offer_link(store: &Store, data: &Path, origin: &str) -> Result<Option<String>, SetupError> {
    if !store.system().is_empty().await? {
        forget_link(data);
        return Ok(None);
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(SetupError::Random)?;
    let token = BASE64_URL_SAFE_NO_PAD.encode(random);
    store.system().create_setup_link(digest(&token), store.now().after(LINK_LIFETIME)).await?;
    // The first account needs a second factor, and browsers make no passkey for an address.
    let named = Passkeys::at(origin).map(|passkeys| passkeys.origin);
    let link = format!("{}/setup?token={token}", named.as_deref().unwrap_or(origin));
    forget_link(data);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(data.join(FILE))?;
    writeln!(file, "{link}")?;
    Ok(Some(link))
}

/// Removes the link's file: the link was used, or is not needed.
pub fn forget_link(data: &Path) {
    if let Err(error) = fs::remove_file(data.join(FILE))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "the file {FILE} cannot be removed");
    }
}

/// The form of the set-up page.
#[derive(Clone)]
pub struct FirstAdmin {
    /// The company's name.
    pub tenant: String,
    /// The name of the first organization.
    pub organization: String,
    pub name: String,
    pub email: String,
    pub password: String,
}

impl fmt::Debug for FirstAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstAdmin").field("email", &self.email).finish_non_exhaustive()
    }
}

impl SignIn {
    /// Checks that a set-up link is still valid.
    ///
    /// # Errors
    /// Fails with [`Error::SetupLinkInvalid`] if it is not.
    pub async fn check_setup_link(&self, token: String) -> Result<(), Error> {
        match self.auth.store.system().is_setup_link_valid(digest(&token)).await? {
            true => Ok(()),
            false => Err(Error::SetupLinkInvalid),
        }
    }

    /// Creates the first tenant, organization and admin, and signs the admin in.
    ///
    /// # Errors
    /// Fails with [`Error::SetupLinkInvalid`], or the invalid field of the form.
    pub async fn set_up(&self, token: String, new: FirstAdmin) -> Result<(), Error> {
        // The whole form is checked before the link is used up.
        let email = Email::parse(&new.email)?;
        let name = text::name("name", &new.name, 80)?;
        let tenant = text::name("tenant", &new.tenant, 80)?;
        let organization = text::name("organization", &new.organization, 80)?;
        check_password(&new.password, &[&name, email.as_str(), &tenant, &organization])?;
        let hash = self.auth.hasher.hash(new.password).await.map_err(|error| unavailable(&error))?;

        let system = self.auth.store.system();
        let mut write = match system.complete_setup(digest(&token), &tenant, Some(self.address.to_string())).await {
            Err(store::Error::NotFound) => return Err(Error::SetupLinkInvalid),
            write => write?,
        };
        let (console, tenant) = (write.actor().clone(), write.actor().tenant);
        let organization = write.create_organization(console.may(CreateOrganization { name: organization })?).await?;
        let person = CreatePerson { email, name, tenant_role: TenantRole::Admin };
        let person = write.create_person(console.may(person)?).await?;
        write.set_password(person, &hash).await?;
        let owner = console.may(SetMembership { organization, person, role: Role::Owner })?;
        write.set_membership(owner).await?;
        write.commit().await?;
        forget_link(&self.auth.settings.data_dir);
        let (by, basis) = (SignedInBy::Link, SignInBasis::Password(Some(hash)));
        self.open(Authenticated { tenant, person, by, basis, second_factor_verified: false, authenticated_at: None })
            .await
    }
}
