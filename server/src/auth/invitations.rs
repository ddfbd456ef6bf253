//! Following invitations, for the door of one request. A link never signs anybody in to an account that there is.
use super::{
    Authenticated, BrowserDoor, check_password, digest, door::unavailable, invitation_cookie::InvitationCookie,
};
use app::{
    door::{Invited, Newcomer},
    login::trouble,
    outcome::{Kind, Refusal},
    token::Token,
};
use domain::{
    Actor, Email, OrganizationId, SignedInBy,
    policy::{AcceptInvitation, AdmitInvited, ConfirmInvited},
    text,
};
use std::sync::PoisonError;
use store::{Error, Ground, NewInvitation, Offer};

/// The same for a link that is wrong, used up, expired, revoked, or of another tenant than one's own.
const OVER: &str = "This invitation does not work: it was used, revoked, or is too old, or you are signed in elsewhere than \
     where it leads. Ask whoever sent it for a new one.";

fn over() -> Refusal {
    Refusal::new(Kind::NotFound, OVER)
}

impl BrowserDoor {
    async fn opened_by(&self, token: &str) -> Result<Offer, Refusal> {
        let offer = self.app.store.system().invitation(digest(token)).await?.ok_or_else(over)?;
        match self.whoever() {
            Some(somebody) if somebody.actor.tenant != offer.tenant_id => Err(over()),
            _ => Ok(offer),
        }
    }

    pub(super) async fn invited(&self, token: String) -> Result<Invited, Refusal> {
        let offer = self.opened_by(&token).await?;
        if self.browser.is_none() {
            self.hold(InvitationCookie::Token(token)); // until they have signed in, and are back
        }
        let (confirms, passwords) = (self.must_be_confirmed(&offer), !self.providers.passwords_closed());
        let Offer { organization, role, inviter, email, .. } = offer;
        Ok(Invited { organization, role, inviter, email: email.map(|email| email.to_string()), confirms, passwords })
    }

    fn hold(&self, held: InvitationCookie) {
        *self.new_held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    }

    /// Where mail is sent, only a link that was sent to an address makes an account with it.
    fn must_be_confirmed(&self, offer: &Offer) -> bool {
        self.app.store.sends_mail() && !offer.mailed
    }

    pub(super) async fn accept(&self, token: String) -> Result<OrganizationId, Refusal> {
        let signed_out = || Refusal::new(Kind::SignedOut, trouble::sign_in_first());
        let actor = &self.browser.as_ref().ok_or_else(signed_out)?.actor;
        let person = actor.person().ok_or_else(signed_out)?;
        let offer = self.opened_by(&token).await?;
        let (store, organization) = (&self.app.store, offer.organization_id);
        let proof = store.authorize(actor, AcceptInvitation { invitation: offer.id, organization, person }).await?;
        let mut write = store.write(actor).await?;
        if let Err(error) = write.accept_invitation(proof, digest(&token)).await {
            drop(write);
            return Err(self.not_by(actor, &offer, "invitation.accept", error).await?);
        }
        write.commit().await?;
        self.hold(InvitationCookie::Nothing);
        Ok(organization)
    }

    pub(super) async fn admit_newcomer(&self, token: String, new: Newcomer) -> Result<Option<OrganizationId>, Refusal> {
        let offer = self.opened_by(&token).await?;
        if self.whoever().is_some() {
            return Err(Refusal::new(
                Kind::Conflict,
                "You are signed in. Accept with your account, or sign out first.",
            ));
        }
        if self.providers.passwords_closed() {
            return Err(Refusal::new(Kind::Forbidden, trouble::passwords_closed()));
        }
        let email = match &offer.email {
            Some(email) => email.clone(),
            None => Email::parse(&new.email)?,
        };
        let nobody = Actor {
            address: Some(self.address.to_string()),
            ..Actor::invitation(offer.tenant_id, self.app.store.now())
        };
        if self.must_be_confirmed(&offer) {
            self.confirm_newcomer(&nobody, &offer, &token, email).await?;
            return Ok(None);
        }
        let name = text::name("name", &new.name, 80)?;
        check_password(&new.password, &[&name, email.as_str(), &offer.organization])?;
        let hash = self.hasher.hash(new.password).await.map_err(|error| unavailable(&error))?;
        let (store, organization) = (&self.app.store, offer.organization_id);
        let admit = AdmitInvited { invitation: offer.id, organization, email, name };
        let proof = store.authorize(&nobody, admit).await?;
        let mut write = store.write(&nobody).await?;
        let person = match write.admit_invited(proof, digest(&token), &hash).await {
            Ok(person) => person,
            Err(error) => {
                drop(write);
                return Err(self.not_by(&nobody, &offer, "invitation.admit", error).await?);
            }
        };
        write.commit().await?;
        self.hold(InvitationCookie::Nothing);
        let (tenant, by, ground) = (offer.tenant_id, SignedInBy::Link, Ground::Password(Some(hash)));
        self.open(Authenticated { tenant, person, by, ground, vouched: false, proved_at: None }).await?;
        Ok(Some(organization))
    }

    /// Mails the way on to an address. The answer is the same whether or not somebody has it.
    async fn confirm_newcomer(&self, nobody: &Actor, offer: &Offer, token: &str, email: Email) -> Result<(), Refusal> {
        let store = &self.app.store;
        let confirm = ConfirmInvited { invitation: offer.id, organization: offer.organization_id, email };
        let proof = store.authorize(nobody, confirm).await?;
        let fresh = Token::new("")?;
        let link = NewInvitation { token: fresh.text.clone(), token_hash: fresh.hash };
        let mut write = store.write(nobody).await?;
        if let Err(error) = write.confirm_invited(proof, digest(token), link).await {
            drop(write);
            return Err(self.not_by(nobody, offer, "invitation.confirm", error).await?);
        }
        Ok(write.commit().await?)
    }

    /// What somebody is told who holds an invitation and does not come in by it. That stands in the audit log, whatever became
    /// of the invitation: the transaction that was refused has left nothing.
    async fn not_by(&self, who: &Actor, offer: &Offer, action: &str, error: Error) -> Result<Refusal, Refusal> {
        let reason = match &error {
            Error::NotFound => "it does not work any more",
            Error::Conflict(conflict) => conflict.message(),
            _ => return Ok(error.into()), // nothing was decided
        };
        let mut write = self.app.store.write(who).await?;
        write.note_refused_invitation(offer.id, offer.organization_id, action, reason).await?;
        write.commit().await?;
        Ok(if matches!(error, Error::NotFound) { over() } else { error.into() })
    }
}
