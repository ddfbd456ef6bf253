//! Invitations: accepting one with an existing account, and creating an account with one. A link never signs in to an
//! existing account.
use crate::{
    Authenticated, Error, SignIn, check_password, digest, error::unavailable, invitation_cookie::InvitationCookie,
    token::Token,
};
use domain::{
    Actor, Email, OrganizationId, SignedInBy,
    policy::{AcceptInvitation, AdmitInvitee, ConfirmInvitee},
    role::Role,
    text,
};
use store::{Error as StoreError, InvitationOffer, NewInvitation, SignInBasis};

/// The content of an invitation.
#[derive(Clone, Debug)]
pub struct InvitationDetails {
    /// The organization's name.
    pub organization: String,
    pub role: Role,
    /// The name of the person who invites.
    pub inviter: String,
    /// The one address that the invitation is for.
    pub email: Option<String>,
    /// Whether a new person must confirm their address by mail before they get an account.
    pub needs_confirmation: bool,
    /// Whether people may sign in by password at all.
    pub passwords: bool,
}

/// The form of a new person with an invitation.
#[derive(Clone)]
pub struct NewAccount {
    pub name: String,
    /// Ignored where the invitation is for one address.
    pub email: String,
    pub password: String,
}

impl std::fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewAccount").field("email", &self.email).finish_non_exhaustive()
    }
}

impl SignIn {
    /// Returns the content of an invitation, unless it is of another tenant than the session's.
    async fn offer(&self, token: &str) -> Result<InvitationOffer, Error> {
        let offer = self.auth.store.system().invitation(digest(token)).await?.ok_or(Error::InvitationInvalid)?;
        match self.session_holder() {
            Some(holder) if holder.actor.tenant != offer.tenant_id => Err(Error::InvitationInvalid),
            _ => Ok(offer),
        }
    }

    /// Returns the content of an invitation link. Without a session, this browser keeps the invitation until its holder has signed in.
    ///
    /// # Errors
    /// Fails with [`Error::InvitationInvalid`].
    pub async fn invitation(&self, token: String) -> Result<InvitationDetails, Error> {
        let offer = self.offer(&token).await?;
        if self.browser.is_none() {
            self.set_pending_invitation(InvitationCookie::Token(token));
        }
        let (needs_confirmation, passwords) =
            (self.needs_confirmation(&offer), !self.auth.settings.passwords_disabled());
        let InvitationOffer { organization, role, inviter, email, .. } = offer;
        let email = email.map(|email| email.to_string());
        Ok(InvitationDetails { organization, role, inviter, email, needs_confirmation, passwords })
    }

    /// Where the server sends mail, only a link that was mailed to an address may create an account with it.
    fn needs_confirmation(&self, offer: &InvitationOffer) -> bool {
        self.auth.store.is_mail_enabled() && !offer.mailed
    }

    /// Accepts an invitation with the signed-in person's account, and returns the organization.
    ///
    /// # Errors
    /// Fails with [`Error::NotSignedIn`] or [`Error::InvitationInvalid`].
    pub async fn accept_invitation(&self, token: String) -> Result<OrganizationId, Error> {
        let actor = &self.browser.as_ref().ok_or(Error::NotSignedIn)?.actor;
        let person = actor.person().ok_or(Error::NotSignedIn)?;
        let offer = self.offer(&token).await?;
        let (store, organization) = (&self.auth.store, offer.organization_id);
        let proof = store.authorize(actor, AcceptInvitation { invitation: offer.id, organization, person }).await?;
        let mut write = store.write(actor).await?;
        if let Err(error) = write.accept_invitation(proof, digest(&token)).await {
            drop(write);
            return Err(self.record_refused_invitation(actor, &offer, "invitation.accept", error).await?);
        }
        write.commit().await?;
        self.set_pending_invitation(InvitationCookie::Removed);
        Ok(organization)
    }

    /// Creates an account with an invitation and signs the person in; returns the organization, or `None` where the address must
    /// be confirmed first, by a link that is mailed to it.
    ///
    /// # Errors
    /// Fails with [`Error::InvitationInvalid`], [`Error::AlreadySignedIn`], or the invalid field of the form.
    pub async fn join(&self, token: String, new: NewAccount) -> Result<Option<OrganizationId>, Error> {
        let offer = self.offer(&token).await?;
        if self.session_holder().is_some() {
            return Err(Error::AlreadySignedIn);
        }
        if self.auth.settings.passwords_disabled() {
            return Err(Error::PasswordsDisabled);
        }
        let email = match &offer.email {
            Some(email) => email.clone(),
            None => Email::parse(&new.email)?,
        };
        let nobody = Actor {
            address: Some(self.address.to_string()),
            ..Actor::invitation(offer.tenant_id, self.auth.store.now())
        };
        if self.needs_confirmation(&offer) {
            self.mail_confirmation(&nobody, &offer, &token, email).await?;
            return Ok(None);
        }
        let name = text::name("name", &new.name, 80)?;
        check_password(&new.password, &[&name, email.as_str(), &offer.organization])?;
        let hash = self.auth.hasher.hash(new.password).await.map_err(|error| unavailable(&error))?;
        let (store, organization) = (&self.auth.store, offer.organization_id);
        let admit = AdmitInvitee { invitation: offer.id, organization, email, name };
        let proof = store.authorize(&nobody, admit).await?;
        let mut write = store.write(&nobody).await?;
        let person = match write.admit_invitee(proof, digest(&token), &hash).await {
            Ok(person) => person,
            Err(error) => {
                drop(write);
                return Err(self.record_refused_invitation(&nobody, &offer, "invitation.admit", error).await?);
            }
        };
        write.commit().await?;
        self.set_pending_invitation(InvitationCookie::Removed);
        let (tenant, by, basis) = (offer.tenant_id, SignedInBy::Link, SignInBasis::Password(Some(hash)));
        self.open(Authenticated { tenant, person, by, basis, second_factor_verified: false, authenticated_at: None })
            .await?;
        Ok(Some(organization))
    }

    /// Mails a confirmation link to an address. The response is the same whether or not the address is known.
    async fn mail_confirmation(
        &self,
        nobody: &Actor,
        offer: &InvitationOffer,
        token: &str,
        email: Email,
    ) -> Result<(), Error> {
        let store = &self.auth.store;
        let confirm = ConfirmInvitee { invitation: offer.id, organization: offer.organization_id, email };
        let proof = store.authorize(nobody, confirm).await?;
        let fresh = Token::new("")?;
        let link = NewInvitation { token: fresh.text.clone(), token_hash: fresh.hash };
        let mut write = store.write(nobody).await?;
        if let Err(error) = write.confirm_invitee(proof, digest(token), link).await {
            drop(write);
            return Err(self.record_refused_invitation(nobody, offer, "invitation.confirm", error).await?);
        }
        Ok(write.commit().await?)
    }

    /// Records a refused invitation in the audit log, in a transaction of its own, because the refused one left nothing. Returns
    /// the refusal.
    async fn record_refused_invitation(
        &self,
        actor: &Actor,
        offer: &InvitationOffer,
        action: &str,
        error: StoreError,
    ) -> Result<Error, Error> {
        let reason = match &error {
            StoreError::NotFound => "invitation_invalid",
            StoreError::Conflict(conflict) => conflict.as_str(),
            _ => return Ok(error.into()), // a failure, not a refusal
        };
        let mut write = self.auth.store.write(actor).await?;
        write.note_refused_invitation(offer.id, offer.organization_id, action, reason).await?;
        write.commit().await?;
        Ok(if matches!(error, StoreError::NotFound) { Error::InvitationInvalid } else { error.into() })
    }
}
