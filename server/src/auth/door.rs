//! Signing in and out for pages: the door of one request.
use super::{Authenticated, Hasher, Providers, check_password, digest, refused::wrong_sign_in};
use crate::state::App;
use app::{
    door::{
        AddressAsked, Answer, Configured, Door, Findings, FirstAdmin, Invited, Newcomer, PasskeyAnswer, PasskeyPurpose,
        Stage, TotpOffer, WaysIn,
    },
    login::trouble,
    outcome::{Kind, Refusal},
};
use domain::{
    Actor, BrowserSessionId, Email, IdentityId, OrganizationId, PersonId, ProviderId, SignedInBy, TenantId,
    anomalies::host_of,
    policy::{CreateOrganization, CreatePerson, EndBrowserSession, SetMembership},
    role::{Role, TenantRole},
    text,
};
use std::{fmt, net::IpAddr, sync::Mutex};
use store::Ground;
use tower_sessions::Session;
use uuid::Uuid;

/// The door of one request.
pub struct BrowserDoor {
    /// What every handler shares.
    pub app: App,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Who else may say who somebody is.
    pub providers: Providers,
    /// The request's session, open or not.
    pub session: Session,
    /// Who is signed in with it.
    pub browser: Option<super::Browser>,
    /// Who has begun to sign in with it, and must show more.
    pub halfway: Option<super::Halfway>,
    /// What verifies passkeys, where there can be any.
    pub passkeys: Option<super::Passkeys>,
    /// Where the request came from.
    pub address: IpAddr,
    /// The browser, in words.
    pub device: String,
    /// What its cookie holds since somebody signed in with it.
    pub known_device: Option<String>,
    /// What its cookie holds from now on.
    pub new_device: Mutex<Option<String>>,
    /// The invitation that its cookie holds.
    pub held: Option<String>,
    /// What that cookie holds from now on.
    pub new_held: Mutex<Option<super::invitation_cookie::InvitationCookie>>,
}

impl fmt::Debug for BrowserDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrowserDoor").field("browser", &self.browser).finish_non_exhaustive()
    }
}

/// How many wrong passwords for one account, from wherever, cost nothing but those who guess.
const EVERYWHERE: i64 = 100;
/// In place of an account where there is none: no person has it.
const NOBODY: (TenantId, PersonId) = (TenantId(Uuid::nil()), PersonId(Uuid::nil()));
/// The same for an unknown address and a wrong password.
const WRONG: &str = "The address or the password is not right.";
const LINK_OVER: &str = "This link was used already, or is too old. Ask an admin for a new one.";
const SETUP_OVER: &str = "This link was used already, or is too old. Start the server again for a new one.";

impl Door for BrowserDoor {
    fn sign_in(&self, email: String, password: String) -> Answer<'_, ()> {
        Box::pin(async move {
            let email = Email::parse(&email);
            let account = email.as_ref().map_or("", Email::as_str);
            let system = self.app.store.system();
            let credential = match &email {
                Ok(email) => system.credential(email).await?.filter(|known| known.locked_at.is_none()),
                Err(_) => None,
            };
            let device = self.known_device.as_deref().map(digest);
            // From here on as much is asked and written for an address that nobody has as for one that somebody has: the time of
            // the answer must not tell which it is.
            let (tenant, person) = credential.as_ref().map_or(NOBODY, |known| (known.tenant_id, known.id));
            let known_device = match device {
                Some(device) => system.knows_device(tenant, person, device).await?,
                None => false,
            };
            // Who guesses elsewhere keeps nobody out of a browser that they signed in with before; and nobody who guesses at
            // one place keeps an account's owner out at another.
            let everywhere = everywhere(account);
            let somebody = credential.as_ref().map(|known| (known.tenant_id, known.id));
            let counted = match device.filter(|_| known_device) {
                Some(device) => vec![device],
                None => {
                    if let Some(until) = system.throttled_after(everywhere, EVERYWHERE).await? {
                        return Err(self.wait_until(until, somebody).await);
                    }
                    vec![digest(&format!("account {account} {}", host_of(self.address))), self.network()]
                }
            };
            let _turn = self.not_too_often(&counted, somebody).await?;
            let hash = credential.as_ref().and_then(|known| known.password_hash.clone());
            let right = self.hasher.verify(password, hash).await.map_err(|error| unavailable(&error))?;
            let by = self.way_of_passwords(tenant, person).await?;
            let Some((known, by)) = credential.as_ref().filter(|_| right).zip(by) else {
                for subject in counted.iter().chain((!known_device).then_some(&everywhere)) {
                    system.note_failure(*subject).await?;
                }
                let why = if right { "passwords are closed" } else { "wrong password" };
                wrong_sign_in(&self.app, self.address, somebody, why).await;
                let closed = self.providers.passwords_closed();
                let text = if closed { trouble::passwords_closed() } else { WRONG.into() };
                return Err(Refusal::new(Kind::SignedOut, text));
            };
            if let Some(first) = counted.first() {
                system.forget_failures(*first).await?;
            }
            let ground = Ground::Password(known.password_hash.clone());
            let (tenant, person) = (known.tenant_id, known.id);
            self.open(Authenticated { tenant, person, by, ground, vouched: false, proved_at: None }).await
        })
    }

    fn stage(&self) -> Stage {
        match (&self.browser, &self.halfway) {
            (Some(_), _) => Stage::Complete,
            (None, Some(halfway)) => halfway.stage,
            (None, None) => Stage::Nobody,
        }
    }

    fn factors(&self) -> Answer<'_, store::Factors> {
        Box::pin(self.own_factors())
    }

    fn show_factor(&self, code: String) -> Answer<'_, ()> {
        Box::pin(self.show(code))
    }

    fn offer_totp(&self) -> Answer<'_, ()> {
        Box::pin(self.offer())
    }

    fn offered_totp(&self) -> Answer<'_, TotpOffer> {
        Box::pin(self.offered())
    }

    fn passkey_host(&self) -> Option<String> {
        self.passkeys.as_ref().map(|passkeys| passkeys.host.clone())
    }

    fn ask_passkey(&self, purpose: PasskeyPurpose) -> Answer<'_, String> {
        Box::pin(self.ask(purpose))
    }

    fn add_passkey(&self, answer: PasskeyAnswer, name: String) -> Answer<'_, Option<String>> {
        Box::pin(self.add(answer.ceremony, answer.passkey, name))
    }

    fn show_passkey(&self, answer: PasskeyAnswer) -> Answer<'_, ()> {
        Box::pin(self.show_key(answer.ceremony, answer.passkey))
    }

    fn sign_in_by_passkey(&self, answer: PasskeyAnswer) -> Answer<'_, ()> {
        Box::pin(self.sign_in_by_key(answer.ceremony, answer.passkey))
    }

    fn sends_mail(&self) -> bool {
        self.app.store.sends_mail()
    }

    fn change_password(&self, old: String, new: String) -> Answer<'_, ()> {
        Box::pin(self.change_own_password(old, new))
    }

    fn mail_password_link(&self, email: String) -> Answer<'_, ()> {
        Box::pin(self.mail_link(email))
    }

    fn ask_address(&self, email: String) -> Answer<'_, ()> {
        Box::pin(self.ask_own_address(email))
    }

    fn may_confirm_address(&self, token: String) -> Answer<'_, AddressAsked> {
        Box::pin(self.which_address(token))
    }

    fn confirm_address(&self, token: String) -> Answer<'_, bool> {
        Box::pin(self.follow_address(token))
    }

    fn confirm_totp(&self, code: String) -> Answer<'_, Option<String>> {
        Box::pin(self.confirm(code))
    }

    fn sign_out(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            if let Some(browser) = self.whoever()
                && let Some(owner) = browser.actor.person()
            {
                let action = EndBrowserSession { session: browser.session, owner };
                let proof = self.app.store.authorize(&browser.actor, action).await?;
                let mut write = self.app.store.write(&browser.actor).await?;
                match write.end_browser_session(proof).await {
                    Ok(()) => write.commit().await?,
                    Err(store::Error::NotFound) => {} // it ended elsewhere meanwhile
                    Err(error) => return Err(error.into()),
                }
            }
            self.session.flush().await.map_err(|error| unavailable(&error))
        })
    }

    fn set_up(&self, token: String, new: FirstAdmin) -> Answer<'_, ()> {
        Box::pin(async move {
            // Everything is checked before the link is used up.
            let email = Email::parse(&new.email)?;
            let name = text::name("name", &new.name, 80)?;
            let tenant = text::name("tenant", &new.tenant, 80)?;
            let organization = text::name("organization", &new.organization, 80)?;
            check_password(&new.password, &[&name, email.as_str(), &tenant, &organization])?;
            let hash = self.hasher.hash(new.password).await.map_err(|error| unavailable(&error))?;

            let (store, over) = (&self.app.store, || Refusal::new(Kind::NotFound, SETUP_OVER));
            let mut write =
                match store.system().use_setup(digest(&token), &tenant, Some(self.address.to_string())).await {
                    Err(store::Error::NotFound) => return Err(over()),
                    write => write?,
                };
            let (console, tenant) = (write.actor().clone(), write.actor().tenant);
            let denied = store::Error::from;
            let organization = console.may(CreateOrganization { name: organization }).map_err(denied)?;
            let organization = write.create_organization(organization).await?;
            let person = CreatePerson { email, name, tenant_role: TenantRole::Admin };
            let person = write.create_person(console.may(person).map_err(denied)?).await?;
            write.set_password(person, &hash).await?;
            let owner = console.may(SetMembership { organization, person, role: Role::Owner }).map_err(denied)?;
            write.set_membership(owner).await?;
            write.commit().await?;
            crate::setup::forget_link(&self.app.config.data_dir);
            let (by, ground) = (SignedInBy::Link, Ground::Password(Some(hash)));
            self.open(Authenticated { tenant, person, by, ground, vouched: false, proved_at: None }).await
        })
    }

    fn set_password(&self, token: String, password: String) -> Answer<'_, ()> {
        Box::pin(async move {
            if self.providers.passwords_closed() {
                return Err(Refusal::new(Kind::Forbidden, trouble::passwords_closed()));
            }
            let (token, store) = (digest(&token), &self.app.store);
            let over = || Refusal::new(Kind::NotFound, LINK_OVER);
            let place = store.system().password_link(token).await?.ok_or_else(over)?;
            let person = PersonId(place.id);
            let holder = store.system().holder(place.tenant_id, person).await?;
            check_password(&password, &[&holder.name, holder.email.as_str()])?;
            let hash = self.hasher.hash(password).await.map_err(|error| unavailable(&error))?;

            let holder = Actor {
                principal: domain::Principal::Person(person),
                name: holder.name,
                email: Some(holder.email),
                by: SignedInBy::Link,
                address: Some(self.address.to_string()),
                ..Actor::clock(place.tenant_id, store.now())
            };
            let mut write = store.write(&holder).await?;
            match write.use_password_link(token).await {
                Err(store::Error::NotFound) => return Err(over()),
                used => used?,
            };
            write.set_password(person, &hash).await?;
            write.commit().await?;
            let (tenant, by, ground) = (place.tenant_id, SignedInBy::Link, Ground::Password(Some(hash)));
            self.open(Authenticated { tenant, person, by, ground, vouched: false, proved_at: None }).await
        })
    }

    fn link_holder(&self, token: String) -> Answer<'_, String> {
        Box::pin(async move {
            let system = self.app.store.system();
            let place = system.password_link(digest(&token)).await?;
            let place = place.ok_or_else(|| Refusal::new(Kind::NotFound, LINK_OVER))?;
            let holder = system.holder(place.tenant_id, PersonId(place.id)).await?;
            Ok(format!("{} ({})", holder.name, holder.email))
        })
    }

    fn invitation(&self, token: String) -> Answer<'_, Invited> {
        Box::pin(self.invited(token))
    }

    fn held_invitation(&self) -> Option<String> {
        self.held.clone()
    }

    fn accept_invitation(&self, token: String) -> Answer<'_, OrganizationId> {
        Box::pin(self.accept(token))
    }

    fn join(&self, token: String, new: Newcomer) -> Answer<'_, Option<OrganizationId>> {
        Box::pin(self.admit_newcomer(token, new))
    }

    fn may_set_up(&self, token: String) -> Answer<'_, ()> {
        Box::pin(async move {
            match self.app.store.system().may_set_up(digest(&token)).await? {
                true => Ok(()),
                false => Err(Refusal::new(Kind::NotFound, SETUP_OVER)),
            }
        })
    }

    fn ways_in(&self, tenant: Option<TenantId>) -> Answer<'_, WaysIn> {
        Box::pin(async move { Ok(self.providers.ways_in(tenant).await?) })
    }

    fn configured(&self) -> Answer<'_, Vec<Configured>> {
        Box::pin(async move {
            match &self.browser {
                Some(browser) => Ok(self.providers.configured(browser.actor.tenant).await?),
                None => Ok(vec![]),
            }
        })
    }

    fn primary_provider(&self) -> Option<String> {
        self.app.config.auth.primary_provider.as_ref().map(|key| key.as_str().to_owned())
    }

    fn takes_loopback_issuers(&self) -> bool {
        self.app.config.auth.loopback_issuers
    }

    fn redirect_of(&self, key: &str) -> String {
        self.providers.redirect(key)
    }

    fn unlink_identity(&self, identity: IdentityId) -> Answer<'_, ()> {
        Box::pin(self.unlink(identity))
    }

    fn probe(&self, provider: ProviderId) -> Answer<'_, Findings> {
        Box::pin(async move {
            let browser = self.browser.as_ref();
            let browser = browser.ok_or_else(|| Refusal::new(Kind::SignedOut, trouble::sign_in_first()))?;
            self.providers.probe(&browser.actor, provider).await
        })
    }

    fn session(&self) -> Option<BrowserSessionId> {
        self.browser.as_ref().map(|browser| browser.session)
    }
}

impl BrowserDoor {
    /// What attempts from where the request came from are counted by.
    pub(super) fn network(&self) -> [u8; 32] {
        digest(&format!("address {}", host_of(self.address)))
    }

    /// The network in words.
    pub(super) fn network_name(&self) -> String {
        host_of(self.address).to_string()
    }

    /// Who holds the session, however far they have come.
    pub fn whoever(&self) -> Option<&super::Browser> {
        self.browser.as_ref().or_else(|| self.halfway.as_ref().map(|halfway| &halfway.browser))
    }

    /// How a password of this account leads in, if it does: while one provider is the only way in, by breaking the glass.
    async fn way_of_passwords(&self, tenant: TenantId, person: PersonId) -> Result<Option<SignedInBy>, Refusal> {
        if !self.providers.passwords_closed() {
            return Ok(Some(SignedInBy::Password));
        }
        let open = self.app.store.system().may_break_glass(tenant, person).await?;
        Ok(open.then_some(SignedInBy::BreakGlass))
    }
}

pub(super) fn unavailable(error: &dyn std::error::Error) -> Refusal {
    tracing::error!(%error, "signing in does not work");
    Refusal::new(Kind::Unavailable, "Signing in does not work at the moment. Try again.")
}

/// What attempts at an account are counted by, from wherever they come.
pub(super) fn everywhere(account: &str) -> [u8; 32] {
    digest(&format!("account {account}"))
}
