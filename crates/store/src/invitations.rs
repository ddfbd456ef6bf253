//! Invitations: links that let the person who follows them join an organization. Only hashes of their tokens are stored.
use crate::{
    Conflict, Error, Mail, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
        id::new_id,
        insert::insert,
    },
    dual_control::Maker,
    search_text::search_text,
};
use domain::{
    Allowed, Email, InvitationId, OrganizationId, PersonId, TenantId, Timestamp,
    account::AccountChange,
    audit::Outcome,
    policy::{AcceptInvitation, AdmitInvitee, ConfirmInvitee, Invite, ResendInvitation, RevokeInvitation},
    role::{Role, TenantRole},
    text,
};
use serde_json::json;
use std::time::Duration;

/// Maximum number of active invitations per organization.
const MAX_INVITATIONS: i64 = 200;

/// Lifetime of a link that only confirms an address.
const CONFIRMATION_LIFETIME: Duration = Duration::from_hours(72);

row_type! {
    /// An active invitation as it is listed.
    pub struct Invitation {
        pub id: InvitationId,
        pub role: Role,
        /// The only address that may use it.
        pub email: Option<Email>,
        /// Whether the server mailed it to that address.
        pub mailed: bool,
        /// Why the mail was not delivered so far.
        pub mail_failure: Option<String>,
        pub inviter: String,
        /// Number of people who may use it.
        pub uses: i64,
        pub used: i64,
        pub expires_at: Timestamp,
    }
}

row_type! {
    /// The terms of an invitation, shown to the person who follows its link.
    pub struct InvitationOffer {
        pub tenant_id: TenantId,
        pub id: InvitationId,
        pub organization_id: OrganizationId,
        pub organization: String,
        pub role: Role,
        pub inviter: String,
        /// The only address that may use it.
        pub email: Option<Email>,
        /// Whether the server mailed it to that address.
        pub mailed: bool,
    }
}

row_type! {
    /// An invitation after its use was counted.
    pub struct UsedInvitation {
        pub id: InvitationId,
        pub organization_id: OrganizationId,
        pub role: Role,
        /// The only address that may use it.
        pub email: Option<Email>,
        /// Whether the server mailed it to that address.
        pub mailed: bool,
        pub inviter_id: PersonId,
        pub expires_at: Timestamp,
    }
}

row_type! {
    pub struct OrganizationIdRow {
        pub id: OrganizationId,
    }
}

row_type! {
    pub struct EmailRow {
        pub email: Email,
    }
}

row_type! {
    pub struct InvitedRow {
        pub email: Email,
        pub inviter_id: PersonId,
    }
}

row_type! {
    pub struct NameRow {
        pub name: String,
    }
}

/// A new invitation link.
#[derive(Clone)]
pub struct NewInvitation {
    /// The token in the link; stored only in the queued mail.
    pub token: String,
    pub token_hash: [u8; 32],
}

impl std::fmt::Debug for NewInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewInvitation")
    }
}

/// Whether invitation `i` is valid at `$now`: its inviter may still invite, and the organization is not archived.
macro_rules! is_valid_invitation {
    ($now:literal) => {
        concat!(
            "i.used < i.uses and i.expires_at > ",
            $now,
            " and exists (select 1 from organization o
                where o.tenant_id = i.tenant_id and o.id = i.organization_id and o.archived_at is null)
            and exists (select 1 from person p where p.tenant_id = i.tenant_id and p.id = i.inviter_id and p.locked_at is null
                and (p.tenant_role = 'admin' or exists (select 1 from membership m where m.tenant_id = i.tenant_id
                    and m.organization_id = i.organization_id and m.person_id = i.inviter_id and m.role = 'owner')))"
        )
    };
}

pub(crate) use is_valid_invitation;

impl Read {
    /// Returns the organization's valid invitations at `now`, newest first, for actors who manage it or can read
    /// everything.
    pub async fn invitations(&mut self, organization: OrganizationId, now: Timestamp) -> Result<Vec<Invitation>> {
        self.require_manager(organization)?;
        tenant_query!(
            self,
            Invitation,
            fetch_all,
            concat!(
                "select i.id, i.role, i.email, i.mailed, i.mail_failure, b.name as inviter, i.uses, i.used, i.expires_at from invitation i
                 join person b on b.tenant_id = i.tenant_id and b.id = i.inviter_id
                 where i.tenant_id = $1 and i.organization_id = $2 and ",
                is_valid_invitation!("$3"),
                " order by i.id desc limit 200"
            ),
            organization,
            now
        )
    }
}

impl Write {
    /// Creates an invitation. If it is limited to an address and mail is enabled, mails it there; returns whether it did.
    pub async fn invite(&mut self, proof: Allowed<Invite>, link: NewInvitation) -> Result<bool> {
        let Invite { invitation, organization, role, email, uses, days } = proof.action();
        let inviter = self.actor.person().ok_or(Error::Conflict(Conflict::InviterNotAPerson))?;
        let (uses, days) = (domain::joining::uses(*uses)?, domain::joining::days(*days)?);
        const COUNT: &str = concat!(
            "select count(*) as n from invitation i where i.tenant_id = $1 and i.organization_id = $2 and ",
            is_valid_invitation!("$3")
        );
        if tenant_query!(self, Number, fetch_one, COUNT, *organization, self.now)?.n >= MAX_INVITATIONS {
            return Err(Error::Conflict(Conflict::TooManyInvitations));
        }
        let mailed = email.is_some() && self.store.is_mail_enabled();
        // An invitation that is limited to an address is for one person.
        let uses = if email.is_some() { 1 } else { uses };
        let made = UsedInvitation {
            id: *invitation,
            organization_id: *organization,
            role: *role,
            email: email.clone(),
            mailed,
            inviter_id: inviter,
            expires_at: self.now.after(Duration::from_hours(u64::from(days) * 24)),
        };
        self.store_invitation(made, None, uses, &link).await?;
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.require_not_archived(*organization).await?;
        self.publish(Topic::People, organization.0);
        Ok(mailed)
    }

    /// Replaces the link of an invitation to one address, and mails it there again; returns whether it did, because mail may be disabled
    /// by now. The old link stops working. Returns `NotFound` if the invitation is no longer valid, or for anyone with the link.
    pub async fn resend_invitation(&mut self, proof: Allowed<ResendInvitation>, link: NewInvitation) -> Result<bool> {
        let &ResendInvitation { invitation, organization } = proof.action();
        let mailed = self.store.is_mail_enabled();
        let replaced = tenant_query!(
            self,
            InvitedRow,
            fetch_optional,
            concat!(
                "update invitation as i set token_hash = $5, mailed = $6, mail_failure = null
                 where i.tenant_id = $1 and i.id = $2 and i.organization_id = $3 and i.email is not null and ",
                is_valid_invitation!("$4"),
                " returning email, inviter_id"
            ),
            invitation,
            organization,
            self.now,
            link.token_hash,
            mailed
        )?;
        let InvitedRow { email, inviter_id } = replaced.ok_or(Error::NotFound)?;
        if mailed {
            self.mail_invitation(inviter_id, organization, &email, &link).await?;
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::People, organization.0);
        Ok(mailed)
    }

    /// Revokes an invitation and the address confirmation links that were derived from it.
    pub async fn revoke_invitation(&mut self, proof: Allowed<RevokeInvitation>) -> Result<()> {
        const SQL: &str = "delete from invitation where tenant_id = $1 and id = $2 and organization_id = $3";
        const DELETE_CONFIRMING: &str = "delete from invitation where tenant_id = $1 and confirms_id = $2";
        let &RevokeInvitation { invitation, organization } = proof.action();
        if tenant_query!(self, execute, SQL, invitation, organization)? == 0 {
            return Err(Error::NotFound);
        }
        let confirming = tenant_query!(self, execute, DELETE_CONFIRMING, invitation)?;
        let entry = self.entry(&proof)?.with_detail("confirming", json!(confirming));
        self.record(entry).await?;
        self.publish(Topic::People, organization.0);
        Ok(())
    }

    /// Accepts an invitation with the actor's account. Returns `NotFound` if it is no longer valid, and a conflict if it is
    /// for another address or the actor is a member already: an invitation never changes a role.
    pub async fn accept_invitation(&mut self, proof: Allowed<AcceptInvitation>, token_hash: [u8; 32]) -> Result<()> {
        let &AcceptInvitation { invitation, organization, person } = proof.action();
        let used = self.use_invitation(invitation, organization, token_hash).await?;
        const SQL: &str = "select email from person where tenant_id = $1 and id = $2 and responsible_id is null";
        let own = tenant_query!(self, EmailRow, fetch_one, SQL, person)?.email;
        if used.email.as_ref().is_some_and(|email| *email != own) {
            return Err(Error::Conflict(Conflict::InvitationForAnotherAddress));
        }
        let (managers, inviter) = (self.managers().await?, self.inviter(&used).await?);
        if !self.join(organization, person, used.role).await? {
            return Err(Error::Conflict(Conflict::AlreadyMember));
        }
        self.rotate_session_tokens(person).await?;
        self.follow_account_change(person, AccountChange::Invitation, &inviter, &managers).await?;
        let entry = self.entry(&proof)?;
        let entry = self.raise_new_member(organization, person, used.role, &inviter, &managers, entry).await?;
        self.record(entry).await?;
        self.require_not_archived(organization).await
    }

    /// Creates an account with a password for an invitee. An address that is in use in the tenant is a conflict: an
    /// invitation never signs anyone in to an existing account.
    pub async fn admit_invitee(
        &mut self,
        proof: Allowed<AdmitInvitee>,
        token_hash: [u8; 32],
        password_hash: &str,
    ) -> Result<PersonId> {
        let AdmitInvitee { invitation, organization, email, name } = proof.action();
        let used = self.use_invitation(*invitation, *organization, token_hash).await?;
        if used.email.as_ref().is_some_and(|bound| bound != email) {
            return Err(Error::NotFound);
        }
        if self.store.is_mail_enabled() && !used.mailed {
            return Err(Error::Conflict(Conflict::AddressUnconfirmed));
        }
        let id = PersonId(new_id());
        let made = insert!(self, "person" {
            id: id,
            email: email.clone(),
            name: text::name("name", name, 80)?,
            search_text: search_text(name, email),
            tenant_role: TenantRole::Person,
            password_hash: password_hash.to_owned(),
            created_at: self.now,
        },
            "on conflict (tenant_id, email) do nothing"
        )?;
        if made == 0 {
            return Err(Error::Conflict(Conflict::AccountExistsForInvitation));
        }
        let (managers, inviter) = (self.managers().await?, self.inviter(&used).await?);
        self.join(*organization, id, used.role).await?;
        self.follow_account_change(id, AccountChange::Creation, &inviter, &managers).await?;
        let entry = self.entry(&proof)?.with_detail("person", json!(id));
        let entry = self.raise_new_member(*organization, id, used.role, &inviter, &managers, entry).await?;
        self.record(entry).await?;
        self.require_not_archived(*organization).await?;
        self.publish(Topic::People, id.0);
        Ok(id)
    }

    /// Mails a new link, derived from an invitation without an address, to the address that a visitor entered: following it
    /// proves that they read that mailbox. This counts as a use. It does not reveal whether the address is in use.
    pub async fn confirm_invitee(
        &mut self,
        proof: Allowed<ConfirmInvitee>,
        token_hash: [u8; 32],
        link: NewInvitation,
    ) -> Result<()> {
        let ConfirmInvitee { invitation, organization, email } = proof.action();
        let used = self.use_invitation(*invitation, *organization, token_hash).await?;
        if used.email.as_ref().is_some_and(|bound| bound != email) {
            return Err(Error::NotFound);
        }
        let expires_at = used.expires_at.min(self.now.after(CONFIRMATION_LIFETIME));
        let id = InvitationId(new_id());
        let made = UsedInvitation { id, email: Some(email.clone()), mailed: true, expires_at, ..used };
        self.store_invitation(made, Some(*invitation), 1, &link).await?;
        let entry = self.entry(&proof)?.with_detail("link", json!(id));
        self.record(entry).await?;
        self.require_not_archived(*organization).await?;
        self.publish(Topic::People, organization.0);
        Ok(())
    }

    /// Deletes this tenant's expired invitations.
    pub(crate) async fn delete_expired_invitations(&mut self) -> Result<()> {
        const SQL: &str =
            "delete from invitation where tenant_id = $1 and expires_at <= $2 returning organization_id as id";
        for organization in tenant_query!(self, OrganizationIdRow, fetch_all, SQL, self.now)? {
            self.publish(Topic::People, organization.id.0);
        }
        Ok(())
    }

    /// Records a refused use of an invitation, in a transaction of its own because the refused one is rolled back.
    pub async fn note_refused_invitation(
        &mut self,
        invitation: InvitationId,
        organization: OrganizationId,
        action: &str,
        reason: &str,
    ) -> Result<()> {
        let detail = json!({ "invitation": invitation, "reason": reason });
        self.note(action, ("organization", organization.to_string()), Outcome::Refused, detail).await
    }

    /// Returns the inviter, who makes the invitee what the invitation says.
    async fn inviter(&mut self, used: &UsedInvitation) -> Result<Maker> {
        const SQL: &str = "select name from person where tenant_id = $1 and id = $2";
        let name = tenant_query!(self, NameRow, fetch_one, SQL, used.inviter_id)?.name;
        Ok(Maker { id: Some(used.inviter_id), name })
    }

    async fn store_invitation(
        &mut self,
        new: UsedInvitation,
        confirms: Option<InvitationId>,
        uses: u32,
        link: &NewInvitation,
    ) -> Result<()> {
        insert!(self, "invitation" {
            id: new.id,
            organization_id: new.organization_id,
            token_hash: link.token_hash,
            role: new.role,
            email: new.email.clone(),
            mailed: new.mailed,
            inviter_id: new.inviter_id,
            confirms_id: confirms,
            uses: uses,
            used: 0_i64,
            created_at: self.now,
            expires_at: new.expires_at,
        })?;
        match (new.mailed, &new.email) {
            (true, Some(email)) => self.mail_invitation(new.inviter_id, new.organization_id, email, link).await,
            _ => Ok(()),
        }
    }

    async fn mail_invitation(
        &mut self,
        inviter: PersonId,
        organization: OrganizationId,
        to: &Email,
        link: &NewInvitation,
    ) -> Result<()> {
        const SQL: &str = "select name from person where tenant_id = $1 and id = $2";
        let name = tenant_query!(self, NameRow, fetch_one, SQL, inviter)?.name;
        let organization = self.organization_name(organization).await?;
        self.mail_address(inviter, to, &Mail::Invitation { token: link.token.clone(), organization, inviter: name })
            .await
    }

    /// Counts one use of a valid invitation and deletes it after the last. Of two concurrent last uses only one succeeds.
    async fn use_invitation(
        &mut self,
        id: InvitationId,
        organization: OrganizationId,
        token_hash: [u8; 32],
    ) -> Result<UsedInvitation> {
        let used = tenant_query!(
            self,
            UsedInvitation,
            fetch_one,
            concat!(
                "update invitation as i set used = used + 1 where i.tenant_id = $1 and i.token_hash = $2 and ",
                is_valid_invitation!("$3"),
                " and i.id = $4 and i.organization_id = $5
                 returning id, organization_id, role, email, mailed, inviter_id, expires_at"
            ),
            token_hash,
            self.now,
            id,
            organization
        )?;
        const OVER: &str = "delete from invitation where tenant_id = $1 and id = $2 and used >= uses";
        tenant_query!(self, execute, OVER, id)?;
        self.publish(Topic::People, organization.0);
        Ok(used)
    }
}
