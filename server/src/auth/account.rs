//! Passwords and addresses of people's own accounts, for the door of one request (D-02).
use super::{BrowserDoor, check_password, digest, door::unavailable};
use app::{
    door::AddressAsked,
    outcome::{Kind, Refusal},
    token::Token,
};
use domain::{
    Actor, Email, Invalid, PersonId, Principal,
    policy::{ChangeAddress, ChangePassword},
};

use store::MailedLink;

const LINK_OVER: &str = "This link was used already, or is too old. Ask for a new one.";

impl BrowserDoor {
    fn own(&self) -> Result<(&super::Browser, PersonId), Refusal> {
        let signed_out = || Refusal::new(Kind::SignedOut, "Sign in first.");
        let browser = self.browser.as_ref().ok_or_else(signed_out)?;
        Ok((browser, browser.actor.person().ok_or_else(signed_out)?))
    }

    /// Changes one's own password; the old one is the proof. All other sessions end.
    pub(super) async fn change_own_password(&self, old: String, new: String) -> Result<(), Refusal> {
        let (browser, owner) = self.own()?;
        let (actor, store) = (&browser.actor, &self.app.store);
        let attempts = super::factors::attempts(owner);
        let _turn = self.not_too_often(&[attempts], Some((actor.tenant, owner))).await?;
        if !self.is_password_of(actor, old).await? {
            store.system().note_failure(attempts).await?;
            return Err(Invalid::new("old_password", "is not right").into());
        }
        store.system().forget_failures(attempts).await?;
        let email = actor.email.as_ref().map_or("", Email::as_str);
        let wrong = |wrong: Invalid| Invalid::new("new_password", wrong.reason);
        check_password(&new, &[&actor.name, email]).map_err(wrong)?;
        let hash = self.hasher.hash(new).await.map_err(|error| unavailable(&error))?;
        let proof = store.authorize(actor, ChangePassword { owner }).await?;
        let mut write = store.write(actor).await?;
        write.change_password(proof, &hash, Some(browser.session)).await?;
        write.commit().await?;
        Ok(())
    }

    /// Mails a link to whoever has this address. The answer and its time are the same for an address that nobody has.
    pub(super) async fn mail_link(&self, email: String) -> Result<(), Refusal> {
        let email = Email::parse(&email)?;
        let (store, network) = (self.app.store.clone(), digest(&format!("forgot {}", self.network_name())));
        let _turn = self.not_too_often(&[network], None).await?;
        store.system().note_failure(network).await?;
        let address = Some(self.address.to_string());
        // What follows is not waited for: how long it takes would tell.
        let made = async move { mail_link_to(&store, &email, address).await };
        self.app.background.rare().write("a link for a forgotten password", made);
        Ok(())
    }

    /// Asks for another address for oneself.
    pub(super) async fn ask_own_address(&self, email: String) -> Result<(), Refusal> {
        let (browser, owner) = self.own()?;
        let (actor, store, email) = (&browser.actor, &self.app.store, Email::parse(&email)?);
        if !store.sends_mail() {
            let text = "This server sends no mail, so a new address cannot be confirmed.";
            return Err(Refusal::new(Kind::Conflict, text));
        }
        if actor.email.as_ref() == Some(&email) {
            return Err(Invalid::new("email", "is the one that you have").into());
        }
        let proof = store.authorize(actor, ChangeAddress { owner }).await?;
        let (new, present) = (Token::new("")?, Token::new("")?);
        let mut write = store.write(actor).await?;
        write.ask_address(proof, &email, mailed(&new), mailed(&present)).await?;
        write.commit().await?;
        Ok(())
    }

    /// Follows the link to a new address, or to the present one: it shows that its reader has that. Nobody is signed in by it.
    /// Whether the address is changed with it.
    pub(super) async fn follow_address(&self, token: String) -> Result<bool, Refusal> {
        let (token, store) = (digest(&token), &self.app.store);
        let over = || Refusal::new(Kind::NotFound, LINK_OVER);
        let asked = store.system().address_change(token).await?.ok_or_else(over)?;
        let reader = Actor {
            principal: Principal::Person(asked.person_id),
            address: Some(self.address.to_string()),
            ..Actor::clock(asked.tenant_id, store.now())
        };
        let own = self.browser.as_ref().filter(|browser| browser.actor.person() == Some(asked.person_id));
        let mut write = store.write(&reader).await?;
        let changed = match write.confirm_address(token, own.map(|browser| browser.session)).await {
            Err(store::Error::NotFound) => return Err(over()),
            confirmed => confirmed?.is_some(),
        };
        write.commit().await?;
        Ok(changed)
    }

    pub(super) async fn which_address(&self, token: String) -> Result<AddressAsked, Refusal> {
        let found = self.app.store.system().address_change(digest(&token)).await?;
        let asked = found.ok_or_else(|| Refusal::new(Kind::NotFound, LINK_OVER))?;
        Ok(AddressAsked { email: asked.email.to_string(), present: asked.present })
    }
}

fn mailed(token: &Token) -> MailedLink<'_> {
    MailedLink { token: &token.text, token_hash: token.hash }
}

async fn mail_link_to(store: &store::Store, email: &Email, address: Option<String>) -> Result<(), store::Error> {
    let system = store.system();
    let known = system.credential(email).await?.filter(|known| known.locked_at.is_none());
    let Some(known) = known else { return Ok(()) };
    // A few an hour: nobody's mailbox is flooded by somebody who knows their address.
    let asked = digest(&format!("forgot {}", known.id));
    if system.throttled(asked).await?.is_some() {
        return Ok(());
    }
    system.note_failure(asked).await?;
    let Ok(token) = Token::new("") else { return Ok(()) };
    let clock = Actor { address, ..Actor::clock(known.tenant_id, store.now()) };
    let mut write = store.write(&clock).await?;
    match write.mail_password_link(known.id, &token.text, token.hash).await {
        Err(store::Error::NotFound) => Ok(()), // they have no password to forget
        Err(error) => Err(error),
        Ok(()) => write.commit().await,
    }
}
