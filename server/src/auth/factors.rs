//! Second factors and fresh proofs, for the door of one request (M-14).
use super::{Browser, BrowserDoor, attempt_lock::Turn, digest, door::unavailable, refused::held_up, totp};
use app::{
    door::{Stage, TotpOffer},
    outcome::{Kind, PROOF_PREFIX, Refusal},
    recovery,
};
use domain::{
    Actor, Invalid, PersonId, TenantId, Timestamp,
    account::Factor,
    policy::{EnrollFactor, MakeRecoveryCodes},
};

/// What somebody shows to prove that it is still them: one of these.
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
    /// The proof that a form carries, if it does.
    pub fn of(fields: &[(String, String)]) -> Option<Self> {
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

/// A field that is not right.
fn wrong(field: &str, reason: &str) -> Refusal {
    Invalid::new(field, reason).into()
}

fn signed_out() -> Refusal {
    Refusal::new(Kind::SignedOut, "Sign in again: too much time has passed.")
}

impl BrowserDoor {
    /// Takes a proof of whoever is signed in; for a while they are not asked for another.
    ///
    /// # Errors
    /// When it is wrong, or too many were.
    pub async fn prove(&self, proof: Proof) -> Result<(), Refusal> {
        let browser = self.browser.as_ref().ok_or_else(signed_out)?;
        let person = browser.actor.person().ok_or_else(signed_out)?;
        let system = self.app.store.system();
        let _turn = self.not_too_often(&[attempts(person)], Some((browser.actor.tenant, person))).await?;
        let refusal = if !proof.passkey.is_empty() {
            // A no is counted and written down where it is found out.
            self.take_key(&browser.actor, &proof.ceremony, &proof.passkey).await?;
            None
        } else if !proof.code.is_empty() {
            let taken = self.take_code(&browser.actor, &proof.code).await?;
            (!taken).then(|| wrong("proof_code", WRONG_CODE))
        } else if !proof.password.is_empty() {
            let right = self.is_password_of(&browser.actor, proof.password).await?;
            (!right).then(|| wrong("proof_password", "is not right"))
        } else {
            return Err(wrong("proof_password", "is needed, or one of the other proofs"));
        };
        if let Some(refusal) = refusal {
            system.note_failure(attempts(person)).await?;
            return Err(refusal);
        }
        system.forget_failures(attempts(person)).await?;
        let mut write = self.app.store.write(&browser.actor).await?;
        write.prove_browser_session(browser.session).await?;
        write.commit().await?;
        Ok(())
    }

    /// Whether it is the actor's own password; a wrong one is in the audit log.
    pub(super) async fn is_password_of(&self, actor: &Actor, password: String) -> Result<bool, Refusal> {
        let store = &self.app.store;
        let known = match &actor.email {
            Some(email) => store.system().credential(email).await?,
            None => None,
        };
        let hash = known.filter(|known| Some(known.id) == actor.person()).and_then(|known| known.password_hash);
        let right = self.hasher.verify(password, hash).await.map_err(|error| unavailable(&error))?;
        if !right {
            let mut write = store.write(actor).await?;
            write.note_refused_factor("wrong password").await?;
            write.commit().await?;
        }
        Ok(right)
    }

    /// Those of whoever holds the session.
    pub(super) async fn own_factors(&self) -> Result<store::Factors, Refusal> {
        let browser = self.whoever().ok_or_else(signed_out)?;
        Ok(self.app.store.read(&browser.actor).await?.factors().await?)
    }

    pub(super) async fn show(&self, code: String) -> Result<(), Refusal> {
        let halfway = self.halfway.as_ref().filter(|halfway| halfway.stage == Stage::Show).ok_or_else(signed_out)?;
        let actor = &halfway.browser.actor;
        let person = actor.person().ok_or_else(signed_out)?;
        let _turn = self.not_too_often(&[attempts(person)], Some((actor.tenant, person))).await?;
        let mut write = self.holding(&halfway.browser).await?;
        if !self.use_code(&mut write, &code, true).await? {
            drop(write);
            self.note_wrong_code(actor).await?;
            self.app.store.system().note_failure(attempts(person)).await?;
            return Err(wrong("code", WRONG_CODE));
        }
        self.complete(write, &halfway.browser).await?;
        Ok(self.app.store.system().forget_failures(attempts(person)).await?)
    }

    /// Takes a code of the actor's authenticator app as a fresh proof. Says whether it was one.
    async fn take_code(&self, actor: &Actor, code: &str) -> Result<bool, Refusal> {
        let mut write = self.app.store.write(actor).await?;
        if !self.use_code(&mut write, code, false).await? {
            drop(write);
            self.note_wrong_code(actor).await?;
            return Ok(false);
        }
        write.commit().await?;
        Ok(true)
    }

    /// Uses up a code of the app of whoever writes, or one of their recovery codes. Says whether it was one.
    async fn use_code(&self, write: &mut store::Write, code: &str, recovery: bool) -> Result<bool, Refusal> {
        let plain: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let of_the_app = plain.len() == 6 && plain.bytes().all(|b| b.is_ascii_digit());
        let used = match (of_the_app, recovery) {
            (true, _) => {
                let secret = write.totp_secret().await?.filter(|secret| secret.confirmed);
                let step = secret.and_then(|known| totp::step(&known.secret, &plain, self.app.store.now()));
                match step {
                    Some(step) => write.use_totp_step(step).await,
                    None => return Ok(false),
                }
            }
            (false, true) => write.use_recovery_code(recovery::hash(&plain)).await.map(|_| ()),
            (false, false) => return Ok(false),
        };
        match used {
            Err(store::Error::NotFound) => Ok(false),
            used => Ok(used.map(|()| true)?),
        }
    }

    async fn note_wrong_code(&self, actor: &Actor) -> Result<(), Refusal> {
        let mut write = self.app.store.write(actor).await?;
        write.note_refused_factor("wrong code").await?;
        Ok(write.commit().await?)
    }

    /// Whoever may set up a second factor: somebody who is signed in, or who must have one and has none. Never who has one
    /// and did not show it.
    pub(super) fn enrolling(&self) -> Result<&Browser, Refusal> {
        let enrolling = self.halfway.as_ref().filter(|halfway| halfway.stage == Stage::Enroll);
        match (&self.browser, enrolling) {
            (Some(browser), _) => Ok(browser),
            // They cannot prove anew what they have not got: they sign in again.
            (None, Some(halfway)) if halfway.browser.actor.fresh => Ok(&halfway.browser),
            _ => Err(signed_out()),
        }
    }

    pub(super) async fn offer(&self) -> Result<(), Refusal> {
        let actor = &self.enrolling()?.actor;
        let proof = self.may_enroll(actor, Factor::Totp).await?;
        let mut secret = [0; totp::SECRET];
        getrandom::fill(&mut secret).map_err(|error| unavailable(&std::io::Error::other(error.to_string())))?;
        let mut write = self.app.store.write(actor).await?;
        write.offer_totp(&proof, &secret).await?;
        write.commit().await?;
        Ok(())
    }

    pub(super) async fn offered(&self) -> Result<TotpOffer, Refusal> {
        let actor = &self.enrolling()?.actor;
        let account = actor.email.as_ref().map(ToString::to_string).unwrap_or_default();
        let secret = self.app.store.write(actor).await?.totp_secret().await?;
        let secret = secret.filter(|known| !known.confirmed).ok_or(store::Error::NotFound)?;
        Ok(totp::offer(&secret.secret, &account))
    }

    pub(super) async fn confirm(&self, code: String) -> Result<Option<String>, Refusal> {
        let browser = self.enrolling()?;
        let (actor, store) = (&browser.actor, &self.app.store);
        let owner = actor.person().ok_or_else(signed_out)?;
        let proof = self.may_enroll(actor, Factor::Totp).await?;
        let _turn = self.not_too_often(&[attempts(owner)], Some((actor.tenant, owner))).await?;
        let plain: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let mut write = self.holding(browser).await?;
        let secret = write.totp_secret().await?.filter(|known| !known.confirmed).ok_or(store::Error::NotFound)?;
        let Some(step) = totp::step(&secret.secret, &plain, store.now()) else {
            drop(write);
            store.system().note_failure(attempts(owner)).await?;
            return Err(wrong("code", "is not the one that the app shows now; check that its clock is right"));
        };
        write.confirm_totp(proof, step).await?;
        let codes = self.first_recovery_codes(&mut write, owner).await?;
        self.complete(write, browser).await?;
        Ok(codes)
    }

    /// Ten codes for somebody who has none yet, in the transaction of their first second factor.
    pub(super) async fn first_recovery_codes(
        &self,
        write: &mut store::Write,
        owner: PersonId,
    ) -> Result<Option<String>, Refusal> {
        if self.own_factors().await?.recovery_codes > 0 {
            return Ok(None);
        }
        let browser = self.enrolling()?;
        let may = browser.actor.may(MakeRecoveryCodes { owner }).map_err(store::Error::from)?;
        let codes = recovery::Codes::new()?;
        write.make_recovery_codes(may, &codes.hashes).await?;
        Ok(Some(codes.text))
    }

    pub(super) async fn may_enroll(
        &self,
        actor: &Actor,
        factor: Factor,
    ) -> Result<domain::Allowed<EnrollFactor>, Refusal> {
        let owner = actor.person().ok_or_else(signed_out)?;
        Ok(self.app.store.authorize(actor, EnrollFactor { owner, factor }).await?)
    }

    /// Refuses while any of these has to wait; that `who` was held up is written down once a minute. Until the turn is dropped
    /// nobody else tries the same: what comes of an attempt is counted before the next one is judged.
    pub(super) async fn not_too_often(
        &self,
        subjects: &[[u8; 32]],
        who: Option<(TenantId, PersonId)>,
    ) -> Result<Turn, Refusal> {
        let turn = self.app.turns.take(subjects).await;
        for subject in subjects {
            if let Some(until) = self.app.store.system().throttled(*subject).await? {
                return Err(self.wait_until(until, who).await);
            }
        }
        Ok(turn)
    }

    pub(super) async fn wait_until(&self, until: Timestamp, who: Option<(TenantId, PersonId)>) -> Refusal {
        held_up(&self.app, self.address, who).await;
        Refusal::wait(until.since(self.app.store.now()).as_secs() + 1)
    }
}

/// The same for a code that never was one and one that was used.
const WRONG_CODE: &str = "is not right, or was used already; wait for the next one";

/// What wrong codes and proofs are counted by: who has got so far knows the password or holds the session.
pub(super) fn attempts(person: PersonId) -> [u8; 32] {
    digest(&format!("factor {person}"))
}
