//! Password sign-in: an address names no tenant, so a password is verified against every account with the address. What
//! happens before a right password reveals nothing about the accounts.
use crate::{Authenticated, Error, SignIn, attempt_log, digest, error::unavailable};
use domain::{Email, PersonId, SignedInBy, TenantId, anomalies::subscriber_of};
use store::{Credential, SignInBasis};
use uuid::Uuid;

/// Maximum number of accounts with one address that a password is verified against, the oldest ones.
const MAX_ACCOUNTS: usize = 8;
/// Every sign-in verifies at least this many passwords, and reads and writes as much as for this many accounts, so that its time
/// does not reveal whether an address has no account, one or two.
const MIN_ACCOUNTS: usize = 2;
/// Failed passwords of one address or account, from all networks together, before it is throttled for unknown browsers.
const MAX_FAILURES_PER_ACCOUNT: i64 = 100;
/// In place of an account that does not exist: no person has this id.
const NO_ACCOUNT: (TenantId, PersonId) = (TenantId(Uuid::nil()), PersonId(Uuid::nil()));

/// The next step after a right password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterPassword {
    /// A session is open.
    SignedIn,
    /// The password belongs to accounts of several tenants.
    ChooseTenant,
}

/// An account that a password may belong to.
struct Candidate {
    /// `None` in place of an account, up to [`MIN_ACCOUNTS`].
    credential: Option<Credential>,
    /// Whether its person signed in with this browser before.
    known_device: bool,
    /// The throttle's subject for failures at this account.
    attempts: [u8; 32],
    /// The subject in its place, where there is no account, or none that failures are counted for.
    no_attempts: [u8; 32],
}

/// The outcome of verifying a password against all candidates.
#[derive(Default)]
struct Verified {
    right: Vec<(Credential, SignedInBy)>,
    /// The other accounts, each with the reason.
    wrong: Vec<(TenantId, PersonId, &'static str)>,
}

impl SignIn {
    /// Opens a session, or offers a choice of tenants. The response and its time are the same for an unknown address and a wrong
    /// password.
    ///
    /// # Errors
    /// Fails with [`Error::WrongPassword`], [`Error::PasswordSignInDisabled`], or [`Error::Throttled`] after too
    /// many failures.
    pub async fn sign_in(&self, email: String, password: String) -> Result<AfterPassword, Error> {
        let email = Email::parse(&email).ok();
        let address = email.as_ref().map_or("", Email::as_str);
        let system = self.auth.store.system();
        let candidates = self.candidates(email.as_ref()).await?;
        let known = candidates.iter().filter_map(|candidate| candidate.credential.as_ref());
        let accounts: Vec<_> = known.map(|known| ids(Some(known))).collect();
        // Guesses from elsewhere must not lock people out of a browser that they signed in with before, and guesses at one
        // network must not lock the account's owner out at another. The throttle that a response reveals counts for the address,
        // which may have no account or several.
        let everywhere = address_attempts(address);
        let known_device = self.known_device.as_deref().filter(|_| candidates.iter().any(|known| known.known_device));
        let of_network =
            [digest(&format!("account {address} {}", subscriber_of(self.address))), self.network_attempts()];
        let counted = match known_device {
            Some(device) => vec![digest(device)],
            None => {
                if let Some(until) = system.throttled_after(everywhere, MAX_FAILURES_PER_ACCOUNT).await? {
                    return Err(self.throttled_until(until, &accounts).await);
                }
                of_network.to_vec()
            }
        };
        let _attempt = self.begin_attempt(&counted, &accounts).await?;
        // In a browser that is known to some of the accounts only, guesses at the others count as those from any other browser;
        // the admin of a tenant can make a browser known to an account of any address.
        let is_unknown = |known: &Candidate| known.credential.is_some() && !known.known_device;
        let also_counted = match known_device {
            Some(_) if candidates.iter().any(is_unknown) => &of_network[..],
            _ => &[],
        };
        let _others = self.auth.attempts.lock(also_counted).await;
        let mut spares_unknown = false;
        if !also_counted.is_empty() {
            spares_unknown = system.throttled_after(everywhere, MAX_FAILURES_PER_ACCOUNT).await?.is_some();
            for subject in also_counted {
                spares_unknown |= system.throttled(*subject).await?.is_some();
            }
        }
        let Verified { right, wrong } = self.verify_password(candidates, &password, spares_unknown).await?;
        let (false, Some(email)) = (right.is_empty(), email) else {
            let counts_everywhere = known_device.is_none() || !also_counted.is_empty();
            for subject in counted.iter().chain(also_counted).chain(counts_everywhere.then_some(&everywhere)) {
                system.note_failure(*subject).await?;
            }
            attempt_log::failed_sign_in(&self.auth, self.address, wrong).await;
            let disabled = self.auth.settings.passwords_disabled();
            return Err(if disabled { Error::PasswordSignInDisabled } else { Error::WrongPassword });
        };
        if let Some(first) = counted.first() {
            system.forget_failures(*first).await?;
        }
        match <[_; 1]>::try_from(right) {
            Ok([(account, by)]) => {
                self.open_account(account, by).await?;
                Ok(AfterPassword::SignedIn)
            }
            Err(several) => {
                self.offer_tenants(email, several.iter().map(|(account, _)| account))?;
                Ok(AfterPassword::ChooseTenant)
            }
        }
    }

    /// Opens a session of an account whose password was verified.
    pub(crate) async fn open_account(&self, account: Credential, by: SignedInBy) -> Result<(), Error> {
        let Credential { tenant_id: tenant, id: person, password_hash, .. } = account;
        let basis = SignInBasis::Password(password_hash);
        self.open(Authenticated { tenant, person, by, basis, second_factor_verified: false, authenticated_at: None })
            .await
    }

    /// Returns the accounts with an address that can sign in, filled up to [`MIN_ACCOUNTS`].
    async fn candidates(&self, email: Option<&Email>) -> Result<Vec<Candidate>, Error> {
        let system = self.auth.store.system();
        let found = match email {
            Some(email) => system.credentials(email).await?,
            None => vec![],
        };
        let open = found.into_iter().filter(|known| known.locked_at.is_none()).take(MAX_ACCOUNTS);
        let mut accounts: Vec<_> = open.map(Some).collect();
        accounts.resize(accounts.len().max(MIN_ACCOUNTS), None);
        let mut candidates = vec![];
        for (number, credential) in accounts.into_iter().enumerate() {
            let (tenant, person) = ids(credential.as_ref());
            let known_device = match self.known_device.as_deref() {
                Some(device) => system.is_known_device(tenant, person, digest(device)).await?,
                None => false,
            };
            let no_attempts = digest(&format!("no account {number} {}", email.map_or("", Email::as_str)));
            let attempts = match &credential {
                Some(_) => account_attempts(person, self.known_device.as_deref().filter(|_| known_device)),
                None => no_attempts,
            };
            candidates.push(Candidate { credential, known_device, attempts, no_attempts });
        }
        Ok(candidates)
    }

    /// Verifies a password against each candidate. A failure counts for each account, also when the password belongs to another one:
    /// the admin of a tenant could create an account with the address of a person in another tenant, and sign in to it in order to
    /// reset a common count. An account with too many failures is not verified, which nobody can notice. With `spares_unknown`, neither is
    /// one that this browser is not known to.
    async fn verify_password(
        &self,
        candidates: Vec<Candidate>,
        password: &str,
        spares_unknown: bool,
    ) -> Result<Verified, Error> {
        let (system, mut verified) = (self.auth.store.system(), Verified::default());
        for Candidate { credential, known_device, attempts, no_attempts } in candidates {
            let (tenant, person) = ids(credential.as_ref());
            let throttled = spares_unknown && !known_device
                || system.throttled_after(attempts, MAX_FAILURES_PER_ACCOUNT).await?.is_some();
            let hash = credential.as_ref().filter(|_| !throttled).and_then(|known| known.password_hash.clone());
            let right =
                self.auth.hasher.verify(password.to_owned(), hash).await.map_err(|error| unavailable(&error))?;
            let by = self.password_method(tenant, person).await?;
            match (credential, by) {
                (Some(account), Some(by)) if right => verified.right.push((account, by)),
                (account, _) => {
                    system.note_failure(if throttled { no_attempts } else { attempts }).await?;
                    if account.is_none() {
                        continue;
                    }
                    if throttled {
                        attempt_log::throttled(&self.auth, self.address, &[(tenant, person)]).await;
                    }
                    let reason = match (right, throttled) {
                        (true, _) => "passwords are disabled",
                        (false, true) => "too many wrong passwords",
                        (false, false) => "wrong password",
                    };
                    verified.wrong.push((tenant, person, reason));
                }
            }
        }
        Ok(verified)
    }

    /// Returns how this account may sign in by password, if at all: while one provider is the only sign-in method, by break-glass access.
    pub(crate) async fn password_method(
        &self,
        tenant: TenantId,
        person: PersonId,
    ) -> Result<Option<SignedInBy>, Error> {
        if !self.auth.settings.passwords_disabled() {
            return Ok(Some(SignedInBy::Password));
        }
        let open = self.auth.store.system().may_break_glass(tenant, person).await?;
        Ok(open.then_some(SignedInBy::BreakGlass))
    }
}

fn ids(credential: Option<&Credential>) -> (TenantId, PersonId) {
    credential.map_or(NO_ACCOUNT, |known| (known.tenant_id, known.id))
}

/// Returns the throttle's subject for attempts at an address, from all networks together.
pub(crate) fn address_attempts(address: &str) -> [u8; 32] {
    digest(&format!("account {address}"))
}

/// Returns the throttle's subject for attempts at one account: from one of its known browsers, or from all other browsers together.
pub(crate) fn account_attempts(person: PersonId, known_device: Option<&str>) -> [u8; 32] {
    digest(&format!("account {person} {}", known_device.unwrap_or_default()))
}
