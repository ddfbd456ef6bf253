//! Passkeys (WebAuthn, level 3): what is asked of a browser, and what it answers, held against each other once.
use super::{Authenticated, BrowserDoor, digest, door::unavailable, factors::attempts};
use crate::anonymous_log;
use app::{
    door::{PasskeyPurpose, Stage},
    outcome::{Kind, Refusal},
    token::Token,
};
use domain::{Actor, PasskeyId, PersonId, Principal, SignedInBy, account::Factor, security::SecurityEvent};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::sync::Arc;
use store::{Ground, NewPasskey, Write};
use url::{Host, Url};
use uuid::Uuid;
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, Passkey, PasskeyAuthentication, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential, Webauthn, WebauthnBuilder,
};

/// What verifies passkeys, for the name that browsers know this server by.
#[derive(Clone, Debug)]
pub struct Passkeys {
    verifier: Arc<Webauthn>,
    /// The name that passkeys are bound to.
    pub host: String,
}

/// What was asked, until it is answered.
#[derive(Serialize, Deserialize)]
enum Asked {
    Register { person: PersonId, state: PasskeyRegistration },
    Show { person: PersonId, state: PasskeyAuthentication },
    SignIn { state: DiscoverableAuthentication },
}

/// A passkey that somebody signs in with, before it is verified.
struct Named {
    actor: Actor,
    person: PersonId,
    key: Passkey,
    answer: PublicKeyCredential,
    state: DiscoverableAuthentication,
}

/// A passkey that was shown, with what is known of it from now on.
struct Shown {
    id: PasskeyId,
    body: String,
}

impl Shown {
    async fn note(&self, write: &mut Write) -> Result<(), Refusal> {
        match write.use_passkey(self.id, &self.body).await {
            Err(store::Error::NotFound) => Err(not_known()), // it was removed meanwhile
            used => Ok(used?),
        }
    }
}

impl Passkeys {
    /// For pages at `origin`. Passkeys are bound to a name: at a bare address there are none, but this machine itself is
    /// `localhost` as well.
    pub fn at(origin: &str) -> Option<Self> {
        let mut url = Url::parse(origin).ok()?;
        let host = match url.host()? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) if address.is_loopback() => "localhost".to_owned(),
            Host::Ipv6(address) if address.is_loopback() => "localhost".to_owned(),
            Host::Ipv4(_) | Host::Ipv6(_) => return None,
        };
        url.set_host(Some(&host)).ok()?;
        let verifier = WebauthnBuilder::new(&host, &url).and_then(|builder| builder.rp_name("Castellan").build());
        Some(Self { verifier: Arc::new(verifier.ok()?), host })
    }
}

/// The same for a passkey that is unknown, one that was removed, and an answer that came too late.
fn not_known() -> Refusal {
    Refusal::new(Kind::SignedOut, "This passkey is not known here, or it was shown too late. Try again.")
}

fn broken(error: &dyn std::error::Error) -> Refusal {
    tracing::info!(%error, "a passkey was refused");
    not_known()
}

/// What a browser answered, as JSON. `userHandle` may be left out where there is none.
fn read<T: DeserializeOwned>(answer: &str) -> Result<T, Refusal> {
    let mut answer: Value = serde_json::from_str(answer).map_err(|error| broken(&error))?;
    if let Some(Value::Object(response)) = answer.get_mut("response") {
        response.entry("userHandle").or_insert(Value::Null);
    }
    serde_json::from_value(answer).map_err(|error| broken(&error))
}

impl BrowserDoor {
    fn verifier(&self) -> Result<&Webauthn, Refusal> {
        let none = || Refusal::new(Kind::Conflict, "Passkeys need a server with a name. This one has an address only.");
        self.passkeys.as_ref().map(|passkeys| &*passkeys.verifier).ok_or_else(none)
    }

    /// What a browser is asked, as JSON: options for its authenticator, and the token of this ceremony.
    pub(super) async fn ask(&self, purpose: PasskeyPurpose) -> Result<String, Refusal> {
        let verifier = self.verifier()?;
        let (asked, options) = match purpose {
            PasskeyPurpose::Register => {
                let actor = &self.enrolling()?.actor;
                let _may = self.may_enroll(actor, Factor::Passkey).await?;
                let person = actor.person().ok_or_else(not_known)?;
                let known = self.keys_of(actor).await?.iter().map(|(_, key)| key.cred_id().clone()).collect();
                let account = actor.email.as_ref().map(ToString::to_string).unwrap_or_default();
                let (options, state) = verifier
                    .start_passkey_registration(person.0, &account, &actor.name, Some(known))
                    .map_err(|error| unavailable(&error))?;
                (Asked::Register { person, state }, serde_json::to_value(options))
            }
            PasskeyPurpose::Show => {
                let actor = &self.showing()?.actor;
                let person = actor.person().ok_or_else(not_known)?;
                let keys: Vec<_> = self.keys_of(actor).await?.into_iter().map(|(_, key)| key).collect();
                if keys.is_empty() {
                    return Err(not_known()); // asked without names, a browser would offer any
                }
                let (options, state) = verifier.start_passkey_authentication(&keys).map_err(|error| broken(&error))?;
                (Asked::Show { person, state }, serde_json::to_value(options))
            }
            PasskeyPurpose::SignIn => {
                let (options, state) =
                    verifier.start_discoverable_authentication().map_err(|error| unavailable(&error))?;
                (Asked::SignIn { state }, serde_json::to_value(options))
            }
        };
        let mut options = options.map_err(|error| unavailable(&error))?;
        let Some(public) = options.get_mut("publicKey").and_then(Value::as_object_mut) else { return Err(not_known()) };
        // Nothing beyond the standard is needed, and authenticators differ in what they make of it.
        public.remove("extensions");
        if let Some(Value::Object(selection)) = public.get_mut("authenticatorSelection") {
            // Kept by the authenticator, so that it can be the only factor.
            selection.insert("residentKey".into(), json!("required"));
            selection.insert("requireResidentKey".into(), json!(true));
        }
        let token = Token::new("")?;
        let state = serde_json::to_string(&asked).map_err(|error| unavailable(&error))?;
        self.app.store.system().begin_ceremony(token.hash, &state).await?;
        Ok(json!({ "ceremony": token.text, "publicKey": public }).to_string())
    }

    async fn asked(&self, ceremony: &str) -> Result<Asked, Refusal> {
        let state = self.app.store.system().take_ceremony(digest(ceremony)).await?.ok_or_else(not_known)?;
        serde_json::from_str(&state).map_err(|error| broken(&error))
    }

    /// The actor's passkeys.
    async fn keys_of(&self, actor: &Actor) -> Result<Vec<(PasskeyId, Passkey)>, Refusal> {
        let rows = self.app.store.read(actor).await?.passkey_keys().await?;
        let key =
            |row: store::Passkey| Ok((row.id, serde_json::from_str(&row.body).map_err(|error| unavailable(&error))?));
        rows.into_iter().map(key).collect()
    }

    /// Whoever may show a passkey that is theirs: as the second step, or as a fresh proof.
    fn showing(&self) -> Result<&super::Browser, Refusal> {
        let halfway = self.halfway.as_ref().filter(|halfway| halfway.stage == Stage::Show);
        self.browser.as_ref().or_else(|| halfway.map(|halfway| &halfway.browser)).ok_or_else(not_known)
    }

    /// Adds a passkey of whoever may; the session is complete with it. Recovery codes, where there were none.
    pub(super) async fn add(&self, ceremony: String, answer: String, name: String) -> Result<Option<String>, Refusal> {
        let name = domain::text::name("name", &name, 80)?;
        let browser = self.enrolling()?;
        let owner = browser.actor.person().ok_or_else(not_known)?;
        let proof = self.may_enroll(&browser.actor, Factor::Passkey).await?;
        let answer: RegisterPublicKeyCredential = read(&answer)?;
        let Asked::Register { person, state } = self.asked(&ceremony).await? else { return Err(not_known()) };
        if person != owner {
            return Err(not_known());
        }
        let key = self.verifier()?.finish_passkey_registration(&answer, &state).map_err(|error| broken(&error))?;
        let body = serde_json::to_string(&key).map_err(|error| unavailable(&error))?;
        let id = PasskeyId(Uuid::now_v7());
        let mut write = self.holding(browser).await?;
        write.add_passkey(proof, NewPasskey { id, name, credential_id: key.cred_id().to_vec(), body }).await?;
        let codes = self.first_recovery_codes(&mut write, owner).await?;
        self.complete(write, browser).await?;
        Ok(codes)
    }

    /// Takes a passkey as the second step of signing in.
    pub(super) async fn show_key(&self, ceremony: String, answer: String) -> Result<(), Refusal> {
        let halfway = self.halfway.as_ref().filter(|halfway| halfway.stage == Stage::Show).ok_or_else(not_known)?;
        let actor = &halfway.browser.actor;
        let person = actor.person().ok_or_else(not_known)?;
        let _turn = self.not_too_often(&[attempts(person)], Some((actor.tenant, person))).await?;
        let shown = self.shown(actor, &ceremony, &answer).await?;
        let mut write = self.holding(&halfway.browser).await?;
        shown.note(&mut write).await?;
        self.complete(write, &halfway.browser).await
    }

    /// Takes one of the actor's passkeys as a fresh proof.
    pub(super) async fn take_key(&self, actor: &Actor, ceremony: &str, answer: &str) -> Result<(), Refusal> {
        let shown = self.shown(actor, ceremony, answer).await?;
        let mut write = self.app.store.write(actor).await?;
        shown.note(&mut write).await?;
        Ok(write.commit().await?)
    }

    /// What one of the actor's passkeys says, or a no, which is counted and in the audit log.
    async fn shown(&self, actor: &Actor, ceremony: &str, answer: &str) -> Result<Shown, Refusal> {
        let verified = async {
            let answer: PublicKeyCredential = read(answer)?;
            let Asked::Show { person, state } = self.asked(ceremony).await? else { return Err(not_known()) };
            if Some(person) != actor.person() {
                return Err(not_known());
            }
            self.verifier()?.finish_passkey_authentication(&answer, &state).map_err(|error| broken(&error))
        };
        match verified.await {
            Ok(result) => self.used(actor, &result).await,
            Err(refusal) => {
                let person = actor.person().ok_or_else(not_known)?;
                self.app.store.system().note_failure(attempts(person)).await?;
                let mut write = self.app.store.write(actor).await?;
                write.note_refused_factor("wrong passkey").await?;
                write.commit().await?;
                Err(refusal)
            }
        }
    }

    /// Which of the actor's passkeys that was.
    async fn used(&self, actor: &Actor, result: &AuthenticationResult) -> Result<Shown, Refusal> {
        let keys = self.keys_of(actor).await?;
        let used = keys.into_iter().find(|(_, key)| key.cred_id() == result.cred_id());
        let (id, mut key) = used.ok_or_else(not_known)?;
        key.update_credential(result);
        Ok(Shown { id, body: serde_json::to_string(&key).map_err(|error| unavailable(&error))? })
    }

    /// Signs in with a passkey and nothing else: it is kept by a device that asked for its owner.
    pub(super) async fn sign_in_by_key(&self, ceremony: String, answer: String) -> Result<(), Refusal> {
        if self.providers.passwords_closed() {
            return Err(Refusal::new(Kind::Forbidden, app::login::trouble::passwords_closed()));
        }
        let network = self.network();
        let _turn = self.not_too_often(&[network], None).await?;
        let entered = match self.named(&ceremony, &answer).await {
            Ok(named) => self.entered(named).await,
            Err(refusal) => {
                if refusal.kind == Kind::SignedOut {
                    let (event, what) = (SecurityEvent::AuthenticationFailure, "POST /actions/login/passkey");
                    anonymous_log::refused(event, Some(self.address), None, what, "it is no passkey of anybody here");
                }
                Err(refusal)
            }
        };
        match entered {
            Ok((actor, key)) => {
                let (tenant, person) = (actor.tenant, actor.person().ok_or_else(not_known)?);
                let (by, ground) = (SignedInBy::Passkey, Ground::Passkey(key));
                self.open(Authenticated { tenant, person, by, ground, vouched: true, proved_at: None }).await
            }
            Err(refusal) => {
                self.app.store.system().note_failure(network).await?;
                Err(refusal)
            }
        }
    }

    /// Whose passkey answered, and what it says; nothing of that is verified.
    async fn named(&self, ceremony: &str, answer: &str) -> Result<Named, Refusal> {
        let store = &self.app.store;
        let answer: PublicKeyCredential = read(answer)?;
        let Asked::SignIn { state } = self.asked(ceremony).await? else { return Err(not_known()) };
        let identified = self.verifier()?.identify_discoverable_authentication(&answer);
        let (person, credential) = identified.map_err(|error| broken(&error))?;
        let holder = store.system().passkey_holder(credential).await?.ok_or_else(not_known)?;
        if holder.person_id.0 != person {
            return Err(not_known());
        }
        let actor = Actor {
            principal: Principal::Person(holder.person_id),
            by: SignedInBy::Passkey,
            address: Some(self.address.to_string()),
            ..Actor::clock(holder.tenant_id, store.now())
        };
        let keys = self.keys_of(&actor).await?.into_iter();
        let key = keys.map(|(_, key)| key).find(|key| key.cred_id().as_slice() == credential).ok_or_else(not_known)?;
        Ok(Named { actor, person: holder.person_id, key, answer, state })
    }

    /// Who it is, and by which passkey, once what it says is verified. A no stands in their tenant's audit log.
    async fn entered(&self, named: Named) -> Result<(Actor, PasskeyId), Refusal> {
        let Named { actor, person, key, answer, state } = named;
        match self.verifier()?.finish_discoverable_authentication_v2(&answer, state, &key) {
            Ok(result) => {
                let shown = self.used(&actor, &result).await?;
                let mut write = self.app.store.write(&actor).await?;
                shown.note(&mut write).await?;
                write.commit().await?;
                Ok((actor, shown.id))
            }
            Err(error) => {
                let mut write = self.app.store.write(&actor).await?;
                write.note_refused_sign_in(person, "wrong passkey").await?;
                write.commit().await?;
                Err(broken(&error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_are_bound_to_a_name() {
        for (origin, host) in [
            ("https://castellan.example.org", Some("castellan.example.org")),
            ("http://127.0.0.1:9876", Some("localhost")),
            ("http://[::1]:9876", Some("localhost")),
            ("https://192.0.2.7", None),
        ] {
            assert_eq!(Passkeys::at(origin).map(|at| at.host).as_deref(), host, "{origin}");
        }
    }
}
