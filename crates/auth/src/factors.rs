//! Second factors and step-up authentication (M-14).
use crate::{
    Browser, Error, SignIn, Stage,
    attempt_lock::AttemptGuard,
    attempt_log, digest,
    error::unavailable,
    recovery_codes,
    totp::{self, TotpSetup},
    typed_code::TypedCode,
};
use domain::{
    Actor, PersonId, TenantId, Timestamp,
    account::Factor,
    policy::{EnrollFactor, MakeRecoveryCodes},
};

/// The prefix of the form fields that confirm one's identity. Any form may have them; their values are never shown again.
pub const PROOF_PREFIX: &str = "proof_";

/// A proof of identity for step-up authentication: a password, a code or a passkey.
#[derive(Default)]
pub struct Proof {
    password: String,
    code: String,
    ceremony: String,
    passkey: String,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof")
    }
}

impl Proof {
    /// Returns the proof in the fields of a form, if there is one.
    pub fn from_fields(fields: &[(String, String)]) -> Option<Self> {
        let mut proof = None::<Self>;
        for (name, value) in fields {
            let Some(kind) = name.strip_prefix(PROOF_PREFIX) else { continue };
            let proof = proof.get_or_insert_default();
            match kind {
                "password" => proof.password.clone_from(value),
                "code" => proof.code.clone_from(value),
                "ceremony" => proof.ceremony.clone_from(value),
                "passkey" => proof.passkey.clone_from(value),
                _ => {}
            }
        }
        proof
    }
}

impl SignIn {
    /// Verifies a proof of identity of the signed-in person, and renews the step-up authentication of their session.
    ///
    /// # Errors
    /// Fails if the proof is wrong, or after too many wrong ones.
    pub async fn prove(&self, proof: Proof) -> Result<(), Error> {
        let browser = self.browser.as_ref().ok_or(Error::SignInExpired)?;
        let person = browser.actor.person().ok_or(Error::SignInExpired)?;
        let system = self.auth.store.system();
        let _attempt = self.begin_attempt(&[factor_attempts(person)], &[(browser.actor.tenant, person)]).await?;
        let refusal = if !proof.passkey.is_empty() {
            // A failure is counted and recorded in there.
            self.verify_passkey_proof(&browser.actor, &proof.ceremony, &proof.passkey).await?;
            None
        } else if !proof.code.is_empty() {
            let code = TypedCode::parse(&proof.code).ok_or_else(|| Error::field("proof_code", NOT_A_CODE))?;
            let taken = self.verify_code_proof(&browser.actor, &code).await?;
            (!taken).then(|| Error::field("proof_code", WRONG_CODE))
        } else if !proof.password.is_empty() {
            let right = self.is_password_of(&browser.actor, proof.password).await?;
            (!right).then(|| Error::field("proof_password", "is incorrect"))
        } else {
            return Err(Error::field("proof_password", "is required, unless you use another method"));
        };
        if let Some(refusal) = refusal {
            system.note_failure(factor_attempts(person)).await?;
            return Err(refusal);
        }
        system.forget_failures(factor_attempts(person)).await?;
        let mut write = self.auth.store.write(&browser.actor).await?;
        write.reauthenticate_browser_session(browser.session).await?;
        write.commit().await?;
        Ok(())
    }

    /// Returns whether this is the actor's own password; a wrong one is recorded in the audit log.
    pub(crate) async fn is_password_of(&self, actor: &Actor, password: String) -> Result<bool, Error> {
        let store = &self.auth.store;
        let known = match actor.person() {
            Some(person) => store.system().credential(actor.tenant, person).await?,
            None => None,
        };
        let hash = known.and_then(|known| known.password_hash);
        let right = self.auth.hasher.verify(password, hash).await.map_err(|error| unavailable(&error))?;
        if !right {
            let mut write = store.write(actor).await?;
            write.note_refused_factor("wrong password").await?;
            write.commit().await?;
        }
        Ok(right)
    }

    /// Returns the second factors of the session's holder.
    ///
    /// # Errors
    /// Fails with [`Error::SignInExpired`] if the session has no holder.
    pub async fn factors(&self) -> Result<store::Factors, Error> {
        let browser = self.session_holder().ok_or(Error::SignInExpired)?;
        Ok(self.auth.store.read(&browser.actor).await?.factors().await?)
    }

    /// Verifies a code of the authenticator app, or a recovery code, and completes the sign-in under a new session id.
    ///
    /// # Errors
    /// Fails if the code is wrong, or was used.
    pub async fn verify_code(&self, code: String) -> Result<(), Error> {
        let incomplete = self
            .incomplete
            .as_ref()
            .filter(|incomplete| incomplete.stage == Stage::VerifyFactor)
            .ok_or(Error::SignInExpired)?;
        let actor = &incomplete.browser.actor;
        let person = actor.person().ok_or(Error::SignInExpired)?;
        let code = TypedCode::parse(&code).ok_or_else(|| Error::field("code", NOT_A_CODE))?;
        let _attempt = self.begin_attempt(&[factor_attempts(person)], &[(actor.tenant, person)]).await?;
        let mut write = self.lock_session(&incomplete.browser).await?;
        if !self.use_code(&mut write, &code, true).await? {
            drop(write);
            self.note_wrong_code(actor).await?;
            self.auth.store.system().note_failure(factor_attempts(person)).await?;
            return Err(Error::field("code", WRONG_CODE));
        }
        self.complete(write, &incomplete.browser).await?;
        Ok(self.auth.store.system().forget_failures(factor_attempts(person)).await?)
    }

    /// Verifies a code of the actor's authenticator app as a fresh proof of identity.
    async fn verify_code_proof(&self, actor: &Actor, code: &TypedCode) -> Result<bool, Error> {
        let mut write = self.auth.store.write(actor).await?;
        if !self.use_code(&mut write, code, false).await? {
            drop(write);
            self.note_wrong_code(actor).await?;
            return Ok(false);
        }
        write.commit().await?;
        Ok(true)
    }

    /// Uses up a code of the writing person's authenticator app, or one of their recovery codes; returns whether it was valid.
    async fn use_code(&self, write: &mut store::Write, code: &TypedCode, recovery: bool) -> Result<bool, Error> {
        let used = match code {
            TypedCode::Totp(code) => {
                let secret = write.totp_secret().await?.filter(|secret| secret.confirmed);
                let step =
                    secret.and_then(|known| totp::matching_time_step(&known.secret, code, self.auth.store.now()));
                match step {
                    Some(step) => write.use_totp_step(step).await,
                    None => return Ok(false),
                }
            }
            TypedCode::Recovery(code) if recovery => {
                write.use_recovery_code(recovery_codes::hash(code)).await.map(|_| ())
            }
            TypedCode::Recovery(_) => return Ok(false),
        };
        match used {
            Err(store::Error::NotFound) => Ok(false),
            used => Ok(used.map(|()| true)?),
        }
    }

    async fn note_wrong_code(&self, actor: &Actor) -> Result<(), Error> {
        let mut write = self.auth.store.write(actor).await?;
        write.note_refused_factor("wrong code").await?;
        Ok(write.commit().await?)
    }

    /// Returns the person who may enroll a second factor: one who is signed in, or who must have a factor and has none. Never one
    /// who has one and has not presented it.
    pub(crate) fn enrolling(&self) -> Result<&Browser, Error> {
        let enrolling = self.incomplete.as_ref().filter(|incomplete| incomplete.stage == Stage::EnrollFactor);
        match (&self.browser, enrolling) {
            (Some(browser), _) => Ok(browser),
            // Without a factor, step-up authentication requires another sign-in.
            (None, Some(incomplete)) if incomplete.browser.actor.fresh => Ok(&incomplete.browser),
            _ => Err(Error::SignInExpired),
        }
    }

    /// Generates a secret for an authenticator app, which has no effect until it is confirmed.
    ///
    /// # Errors
    /// Fails if the person may not enroll a factor.
    pub async fn start_totp(&self) -> Result<(), Error> {
        let actor = &self.enrolling()?.actor;
        let proof = self.may_enroll(actor, Factor::Totp).await?;
        let mut secret = [0; totp::SECRET];
        getrandom::fill(&mut secret).map_err(|error| unavailable(&std::io::Error::other(error.to_string())))?;
        let mut write = self.auth.store.write(actor).await?;
        write.begin_totp_enrollment(&proof, &secret).await?;
        write.commit().await?;
        Ok(())
    }

    /// Returns the generated secret that is not confirmed yet.
    ///
    /// # Errors
    /// Fails with [`store::Error::NotFound`] if there is none.
    pub async fn totp_setup(&self) -> Result<TotpSetup, Error> {
        let actor = &self.enrolling()?.actor;
        let account = self.account_label(actor).await?;
        let secret = self.auth.store.write(actor).await?.totp_secret().await?;
        let secret = secret.filter(|known| !known.confirmed).ok_or(store::Error::NotFound)?;
        Ok(totp::setup(&secret.secret, &account, &self.auth.settings.host()))
    }

    /// Returns the name of the account in authenticators. Some of them replace an entry with the same name, and a person can have accounts
    /// with one address in several tenants.
    pub(crate) async fn account_label(&self, actor: &Actor) -> Result<String, Error> {
        let person = actor.person().ok_or(Error::SignInExpired)?;
        let known = self.auth.store.system().credential(actor.tenant, person).await?.ok_or(store::Error::NotFound)?;
        let email = actor.email.as_ref().map_or("", |email| email.as_str());
        Ok(format!("{email} ({})", known.tenant))
    }

    /// Confirms the secret with the app's first code, and completes the sign-in. Returns recovery codes if there were none.
    ///
    /// # Errors
    /// Fails if the code is wrong.
    pub async fn confirm_totp(&self, code: String) -> Result<Option<String>, Error> {
        let browser = self.enrolling()?;
        let (actor, store) = (&browser.actor, &self.auth.store);
        let owner = actor.person().ok_or(Error::SignInExpired)?;
        let proof = self.may_enroll(actor, Factor::Totp).await?;
        let Some(TypedCode::Totp(plain)) = TypedCode::parse(&code) else {
            return Err(Error::field("code", NOT_SIX_DIGITS));
        };
        let _attempt = self.begin_attempt(&[factor_attempts(owner)], &[(actor.tenant, owner)]).await?;
        let mut write = self.lock_session(browser).await?;
        let secret = write.totp_secret().await?.filter(|known| !known.confirmed).ok_or(store::Error::NotFound)?;
        let Some(step) = totp::matching_time_step(&secret.secret, &plain, store.now()) else {
            drop(write);
            store.system().note_failure(factor_attempts(owner)).await?;
            return Err(Error::field("code", "is not the current code of the app; check the clock of your device"));
        };
        write.confirm_totp(proof, step).await?;
        let codes = self.first_recovery_codes(&mut write, owner).await?;
        self.complete(write, browser).await?;
        Ok(codes)
    }

    /// Generates recovery codes for a person without any, in the transaction of their first second factor.
    pub(crate) async fn first_recovery_codes(
        &self,
        write: &mut store::Write,
        owner: PersonId,
    ) -> Result<Option<String>, Error> {
        if self.factors().await?.recovery_codes > 0 {
            return Ok(None);
        }
        let browser = self.enrolling()?;
        let may = browser.actor.may(MakeRecoveryCodes { owner })?;
        let codes = recovery_codes::RecoveryCodes::new()?;
        write.make_recovery_codes(may, &codes.hashes).await?;
        Ok(Some(codes.text))
    }

    pub(crate) async fn may_enroll(
        &self,
        actor: &Actor,
        factor: Factor,
    ) -> Result<domain::Allowed<EnrollFactor>, Error> {
        let owner = actor.person().ok_or(Error::SignInExpired)?;
        Ok(self.auth.store.authorize(actor, EnrollFactor { owner, factor }).await?)
    }

    /// Locks the subjects of an attempt, and refuses while any of them is throttled; that `accounts` were throttled is recorded once
    /// a minute. Until the guard is dropped no other attempt at the same subjects runs, so that each sees the failures before it.
    pub(crate) async fn begin_attempt(
        &self,
        subjects: &[[u8; 32]],
        accounts: &[(TenantId, PersonId)],
    ) -> Result<AttemptGuard, Error> {
        let guard = self.auth.attempts.lock(subjects).await;
        for subject in subjects {
            if let Some(until) = self.auth.store.system().throttled(*subject).await? {
                return Err(self.throttled_until(until, accounts).await);
            }
        }
        Ok(guard)
    }

    pub(crate) async fn throttled_until(&self, until: Timestamp, accounts: &[(TenantId, PersonId)]) -> Error {
        attempt_log::throttled(&self.auth, self.address, accounts).await;
        Error::Throttled { seconds: until.since(self.auth.store.now()).as_secs() + 1 }
    }
}

const NOT_SIX_DIGITS: &str = "must have six digits";
const NOT_A_CODE: &str = "must have the six digits of the app, or the sixteen characters of a recovery code";
/// The same for a wrong code and a used one.
const WRONG_CODE: &str = "is wrong or was already used; wait for the next code";

/// Returns the throttle's subject for wrong codes and proofs of a person who knows the password or holds a session.
pub(crate) fn factor_attempts(person: PersonId) -> [u8; 32] {
    digest(&format!("factor {person}"))
}
