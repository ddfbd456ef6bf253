//! Passkeys (WebAuthn, level 3): registration, second factor, and sign-in without a password.
use crate::{
    Authenticated, Browser, Error, SignIn, Stage, digest, error::unavailable, factors::factor_attempts, token::Token,
};
use cose::PublicKey;
use domain::{Actor, PasskeyId, PersonId, Principal, SignedInBy, account::Factor, security::SecurityEvent};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use store::{NewPasskey, SignInBasis, Write};
use webauthn_rs::prelude::{
    AuthenticationResult, COSEEC2Key, COSEKeyType, COSEOKPKey, COSERSAKey, DiscoverableAuthentication, ECDSACurve,
    EDDSACurve, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential,
    Webauthn,
};

/// What a passkey ceremony is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyPurpose {
    Register,
    /// To verify a known person: as the second factor, or for step-up authentication.
    Verify,
    /// To sign in with the passkey alone.
    SignIn,
}

impl PasskeyPurpose {
    /// Parses the value of a form field.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "register" => Some(Self::Register),
            "show" => Some(Self::Verify),
            "sign-in" => Some(Self::SignIn),
            _ => None,
        }
    }
}

/// A browser's response to a passkey ceremony.
#[derive(Clone, Debug)]
pub struct PasskeyResponse {
    /// The token of the ceremony.
    pub ceremony: String,
    /// The credential, as WebAuthn's JSON.
    pub credential: String,
}

/// The state of a ceremony, until its response comes.
#[derive(Serialize, Deserialize)]
enum Ceremony {
    Register {
        person: PersonId,
        state: PasskeyRegistration,
    },
    #[serde(rename = "Show")]
    Verify {
        person: PersonId,
        state: PasskeyAuthentication,
    },
    SignIn {
        state: DiscoverableAuthentication,
    },
}

/// A sign-in by passkey, before it is verified.
struct UnverifiedSignIn {
    actor: Actor,
    person: PersonId,
    key: Passkey,
    credential: PublicKeyCredential,
    state: DiscoverableAuthentication,
}

/// A verified passkey with its new state: the signature counter and backup flags.
struct VerifiedPasskey {
    id: PasskeyId,
    body: String,
}

impl VerifiedPasskey {
    async fn save(&self, write: &mut Write) -> Result<(), Error> {
        match write.use_passkey(self.id, &self.body).await {
            Err(store::Error::NotFound) => Err(Error::UnknownPasskey), // removed by a concurrent request
            used => Ok(used?),
        }
    }
}

fn rejected(error: &dyn std::error::Error) -> Error {
    tracing::info!(%error, "a passkey was refused");
    Error::UnknownPasskey
}

/// Returns the public key as COSE_Key, if decisions can be verified with it.
fn public_key(key: &Passkey) -> Option<Vec<u8>> {
    match &key.get_public_key().key {
        COSEKeyType::EC_EC2(COSEEC2Key { curve: ECDSACurve::SECP256R1, x, y }) => PublicKey::Es256 { x, y }.to_cose(),
        COSEKeyType::EC_EC2(COSEEC2Key { curve: ECDSACurve::SECP384R1, x, y }) => PublicKey::Es384 { x, y }.to_cose(),
        COSEKeyType::RSA(COSERSAKey { n, e }) => PublicKey::Rs256 { n, e }.to_cose(),
        COSEKeyType::EC_OKP(COSEOKPKey { curve: EDDSACurve::ED25519, x }) => PublicKey::EdDsa { x }.to_cose(),
        _ => None,
    }
}

/// Parses a credential's JSON. `userHandle` may be missing where there is none.
fn parse<T: DeserializeOwned>(answer: &str) -> Result<T, Error> {
    let mut answer: Value = serde_json::from_str(answer).map_err(|error| rejected(&error))?;
    if let Some(Value::Object(response)) = answer.get_mut("response") {
        response.entry("userHandle").or_insert(Value::Null);
    }
    serde_json::from_value(answer).map_err(|error| rejected(&error))
}

impl SignIn {
    /// Returns the host name that passkeys are bound to, if the server supports them.
    pub fn passkey_host(&self) -> Option<String> {
        self.auth.passkeys.as_ref().map(|passkeys| passkeys.host.clone())
    }

    /// Returns the origin of the pages where passkeys can be used, if the server supports them.
    pub fn passkey_origin(&self) -> Option<String> {
        self.auth.passkeys.as_ref().map(|passkeys| passkeys.origin.clone())
    }

    fn verifier(&self) -> Result<&Webauthn, Error> {
        self.auth.passkeys.as_ref().map(|passkeys| &*passkeys.verifier).ok_or(Error::PasskeysUnsupported)
    }

    /// Starts a ceremony. Returns JSON: the options for the browser's authenticator, and the ceremony's token.
    ///
    /// # Errors
    /// Fails with [`Error::PasskeysUnsupported`], or the denial if the person may not do this.
    pub async fn start_passkey(&self, purpose: PasskeyPurpose) -> Result<String, Error> {
        let verifier = self.verifier()?;
        let (ceremony, options) = match purpose {
            PasskeyPurpose::Register => {
                let actor = &self.enrolling()?.actor;
                let _allowed = self.may_enroll(actor, Factor::Passkey).await?;
                let person = actor.person().ok_or(Error::UnknownPasskey)?;
                let known = self.keys_of(actor).await?.iter().map(|(_, key)| key.cred_id().clone()).collect();
                let account = self.account_label(actor).await?;
                let (options, state) = verifier
                    .start_passkey_registration(person.0, &account, &actor.name, Some(known))
                    .map_err(|error| unavailable(&error))?;
                (Ceremony::Register { person, state }, serde_json::to_value(options))
            }
            PasskeyPurpose::Verify => {
                let actor = &self.verifying()?.actor;
                let person = actor.person().ok_or(Error::UnknownPasskey)?;
                let keys: Vec<_> = self.keys_of(actor).await?.into_iter().map(|(_, key)| key).collect();
                if keys.is_empty() {
                    return Err(Error::UnknownPasskey); // without a list, a browser would offer any passkey
                }
                let (options, state) =
                    verifier.start_passkey_authentication(&keys).map_err(|error| rejected(&error))?;
                (Ceremony::Verify { person, state }, serde_json::to_value(options))
            }
            PasskeyPurpose::SignIn => {
                let (options, state) =
                    verifier.start_discoverable_authentication().map_err(|error| unavailable(&error))?;
                (Ceremony::SignIn { state }, serde_json::to_value(options))
            }
        };
        let mut options = options.map_err(|error| unavailable(&error))?;
        let Some(public) = options.get_mut("publicKey").and_then(Value::as_object_mut) else {
            return Err(Error::UnknownPasskey);
        };
        // Extensions are not needed, and authenticators differ in how they handle them.
        public.remove("extensions");
        if let Some(Value::Object(selection)) = public.get_mut("authenticatorSelection") {
            // A discoverable credential can be the only factor.
            selection.insert("residentKey".into(), json!("required"));
            selection.insert("requireResidentKey".into(), json!(true));
        }
        let token = Token::new("")?;
        let state = serde_json::to_string(&ceremony).map_err(|error| unavailable(&error))?;
        self.auth.store.system().create_ceremony(token.hash, &state).await?;
        Ok(json!({ "ceremony": token.text, "publicKey": public }).to_string())
    }

    /// Returns the state of a ceremony, which can be taken once.
    async fn take_ceremony(&self, ceremony: &str) -> Result<Ceremony, Error> {
        let state = self.auth.store.system().take_ceremony(digest(ceremony)).await?.ok_or(Error::UnknownPasskey)?;
        serde_json::from_str(&state).map_err(|error| rejected(&error))
    }

    /// Returns the actor's passkeys.
    async fn keys_of(&self, actor: &Actor) -> Result<Vec<(PasskeyId, Passkey)>, Error> {
        let rows = self.auth.store.read(actor).await?.passkey_credentials().await?;
        let key =
            |row: store::Passkey| Ok((row.id, serde_json::from_str(&row.body).map_err(|error| unavailable(&error))?));
        rows.into_iter().map(key).collect()
    }

    /// Returns the person who may present their passkey: as the second factor, or as a fresh proof of identity.
    fn verifying(&self) -> Result<&Browser, Error> {
        let incomplete = self.incomplete.as_ref().filter(|incomplete| incomplete.stage == Stage::VerifyFactor);
        self.browser.as_ref().or_else(|| incomplete.map(|incomplete| &incomplete.browser)).ok_or(Error::UnknownPasskey)
    }

    /// Adds a passkey and completes the sign-in. Returns recovery codes if there were none.
    ///
    /// # Errors
    /// Fails with [`Error::UnknownPasskey`] if the response is not valid.
    pub async fn add_passkey(&self, response: PasskeyResponse, name: String) -> Result<Option<String>, Error> {
        let PasskeyResponse { ceremony, credential } = response;
        let name = domain::text::name("name", &name, 80)?;
        let browser = self.enrolling()?;
        let owner = browser.actor.person().ok_or(Error::UnknownPasskey)?;
        let proof = self.may_enroll(&browser.actor, Factor::Passkey).await?;
        let credential: RegisterPublicKeyCredential = parse(&credential)?;
        let Ceremony::Register { person, state } = self.take_ceremony(&ceremony).await? else {
            return Err(Error::UnknownPasskey);
        };
        if person != owner {
            return Err(Error::UnknownPasskey);
        }
        let key =
            self.verifier()?.finish_passkey_registration(&credential, &state).map_err(|error| rejected(&error))?;
        let body = serde_json::to_string(&key).map_err(|error| unavailable(&error))?;
        let id = PasskeyId(store::new_id());
        let mut write = self.lock_session(browser).await?;
        let (credential_id, public_key) = (key.cred_id().to_vec(), public_key(&key).ok_or(Error::UnknownPasskey)?);
        let relying_party = self.passkey_host().ok_or(Error::PasskeysUnsupported)?;
        write.add_passkey(proof, NewPasskey { id, name, credential_id, body, public_key, relying_party }).await?;
        let codes = self.first_recovery_codes(&mut write, owner).await?;
        self.complete(write, browser).await?;
        Ok(codes)
    }

    /// Verifies a passkey as the second factor, and completes the sign-in under a new session id.
    ///
    /// # Errors
    /// Fails with [`Error::UnknownPasskey`] if the response is not valid.
    pub async fn verify_passkey(&self, response: PasskeyResponse) -> Result<(), Error> {
        let incomplete = self
            .incomplete
            .as_ref()
            .filter(|incomplete| incomplete.stage == Stage::VerifyFactor)
            .ok_or(Error::UnknownPasskey)?;
        let actor = &incomplete.browser.actor;
        let person = actor.person().ok_or(Error::UnknownPasskey)?;
        let _attempt = self.begin_attempt(&[factor_attempts(person)], &[(actor.tenant, person)]).await?;
        let verified = self.verify(actor, &response.ceremony, &response.credential).await?;
        let mut write = self.lock_session(&incomplete.browser).await?;
        verified.save(&mut write).await?;
        self.complete(write, &incomplete.browser).await
    }

    /// Verifies one of the actor's passkeys as a fresh proof of identity.
    pub(crate) async fn verify_passkey_proof(
        &self,
        actor: &Actor,
        ceremony: &str,
        credential: &str,
    ) -> Result<(), Error> {
        let verified = self.verify(actor, ceremony, credential).await?;
        let mut write = self.auth.store.write(actor).await?;
        verified.save(&mut write).await?;
        Ok(write.commit().await?)
    }

    /// Verifies one of the actor's passkeys; a failure is counted and recorded in the audit log.
    async fn verify(&self, actor: &Actor, ceremony: &str, credential: &str) -> Result<VerifiedPasskey, Error> {
        let verified = async {
            let credential: PublicKeyCredential = parse(credential)?;
            let Ceremony::Verify { person, state } = self.take_ceremony(ceremony).await? else {
                return Err(Error::UnknownPasskey);
            };
            if Some(person) != actor.person() {
                return Err(Error::UnknownPasskey);
            }
            self.verifier()?.finish_passkey_authentication(&credential, &state).map_err(|error| rejected(&error))
        };
        match verified.await {
            Ok(result) => self.updated(actor, &result).await,
            Err(error) => {
                let person = actor.person().ok_or(Error::UnknownPasskey)?;
                self.auth.store.system().note_failure(factor_attempts(person)).await?;
                let mut write = self.auth.store.write(actor).await?;
                write.note_refused_factor("wrong passkey").await?;
                write.commit().await?;
                Err(error)
            }
        }
    }

    /// Finds the actor's passkey that was used, and updates its state.
    async fn updated(&self, actor: &Actor, result: &AuthenticationResult) -> Result<VerifiedPasskey, Error> {
        let keys = self.keys_of(actor).await?;
        let used = keys.into_iter().find(|(_, key)| key.cred_id() == result.cred_id());
        let (id, mut key) = used.ok_or(Error::UnknownPasskey)?;
        key.update_credential(result);
        Ok(VerifiedPasskey { id, body: serde_json::to_string(&key).map_err(|error| unavailable(&error))? })
    }

    /// Signs in with a passkey alone: its authenticator has verified the person.
    ///
    /// # Errors
    /// Fails with [`Error::UnknownPasskey`], [`Error::PasswordsDisabled`], or [`Error::Throttled`].
    pub async fn sign_in_with_passkey(&self, response: PasskeyResponse) -> Result<(), Error> {
        if self.auth.settings.passwords_disabled() {
            return Err(Error::PasswordsDisabled);
        }
        let network = self.network_attempts();
        let _attempt = self.begin_attempt(&[network], &[]).await?;
        let signed_in = match self.unverified(response).await {
            Ok(unverified) => self.verify_sign_in(unverified).await,
            Err(error) => {
                if matches!(error, Error::UnknownPasskey) {
                    let (event, request) = (SecurityEvent::AuthenticationFailure, "POST /actions/login/passkey");
                    (self.auth.log.anonymous)(event, self.address, request, "unknown passkey");
                }
                Err(error)
            }
        };
        match signed_in {
            Ok((actor, key)) => {
                let (tenant, person) = (actor.tenant, actor.person().ok_or(Error::UnknownPasskey)?);
                let (by, basis) = (SignedInBy::Passkey, SignInBasis::Passkey(key));
                self.open(Authenticated {
                    tenant,
                    person,
                    by,
                    basis,
                    second_factor_verified: true,
                    authenticated_at: None,
                })
                .await
            }
            Err(error) => {
                self.auth.store.system().note_failure(network).await?;
                Err(error)
            }
        }
    }

    /// Returns the person in the response, which is not verified yet.
    async fn unverified(&self, response: PasskeyResponse) -> Result<UnverifiedSignIn, Error> {
        let store = &self.auth.store;
        let credential: PublicKeyCredential = parse(&response.credential)?;
        let Ceremony::SignIn { state } = self.take_ceremony(&response.ceremony).await? else {
            return Err(Error::UnknownPasskey);
        };
        let identified = self.verifier()?.identify_discoverable_authentication(&credential);
        let (person, credential_id) = identified.map_err(|error| rejected(&error))?;
        let holder = store.system().passkey_holder(credential_id).await?.ok_or(Error::UnknownPasskey)?;
        if holder.person_id.0 != person {
            return Err(Error::UnknownPasskey);
        }
        let actor = Actor {
            principal: Principal::Person(holder.person_id),
            by: SignedInBy::Passkey,
            address: Some(self.address.to_string()),
            ..Actor::clock(holder.tenant_id, store.now())
        };
        let keys = self.keys_of(&actor).await?.into_iter();
        let key = keys
            .map(|(_, key)| key)
            .find(|key| key.cred_id().as_slice() == credential_id)
            .ok_or(Error::UnknownPasskey)?;
        Ok(UnverifiedSignIn { actor, person: holder.person_id, key, credential, state })
    }

    /// Verifies a sign-in; a failure is recorded in the audit log of the person's tenant.
    async fn verify_sign_in(&self, unverified: UnverifiedSignIn) -> Result<(Actor, PasskeyId), Error> {
        let UnverifiedSignIn { actor, person, key, credential, state } = unverified;
        match self.verifier()?.finish_discoverable_authentication_v2(&credential, state, &key) {
            Ok(result) => {
                let verified = self.updated(&actor, &result).await?;
                let mut write = self.auth.store.write(&actor).await?;
                verified.save(&mut write).await?;
                write.commit().await?;
                Ok((actor, verified.id))
            }
            Err(error) => {
                let mut write = self.auth.store.write(&actor).await?;
                write.note_refused_sign_in(person, "wrong passkey").await?;
                write.commit().await?;
                Err(rejected(&error))
            }
        }
    }
}
