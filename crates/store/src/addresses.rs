//! Address changes: requested by a person and confirmed from both the new and the present address. An admin can request the
//! change for someone who lost the present one.
use crate::{
    Applied, Conflict, Error, Result, Write,
    db::{column::row_type, conn::tenant_query, insert::insert},
    invitations::NameRow,
    mail::Mail,
    search_text::search_text,
};
use domain::{
    Action, Allowed, BrowserSessionId, Email, PersonId, Timestamp,
    account::{AccountChange, AccountNotice},
    audit::Outcome,
    confirmation::ProtectedChange,
    policy::{ChangeAddress, ReplaceAddress},
};
use serde_json::{Value, json};
use std::time::Duration;

/// Lifetime of the confirmation links.
const LIFETIME: Duration = Duration::from_hours(24);

/// A link to be sent by mail.
#[derive(Clone, Copy, Debug)]
pub struct MailedLink<'a> {
    pub token: &'a str,
    /// Hash of the token in the link.
    pub token_hash: [u8; 32],
}

row_type! {
    /// A new address that waits for confirmation.
    pub struct PendingAddress {
        pub person_id: PersonId,
        pub email: Email,
        /// The admin who requested it for the person.
        pub issuer_id: Option<PersonId>,
        /// When the link sent to the new address was followed.
        pub new_confirmed_at: Option<Timestamp>,
        /// When the link sent to the current address was followed, or an admin confirmed the change.
        pub current_confirmed_at: Option<Timestamp>,
    }
}

impl Write {
    /// Mails one confirmation link to the new address and one to the current address; both must be followed. It replaces an
    /// earlier change. It does not reveal whether the new address is in use: only the mail's recipient learns that.
    pub async fn request_address_change(
        &mut self,
        proof: Allowed<ChangeAddress>,
        email: &Email,
        new: MailedLink<'_>,
        present: MailedLink<'_>,
    ) -> Result<()> {
        let owner = proof.action().owner;
        self.store_address_change(owner, email, new, Some(present)).await?;
        let release = Mail::ReleaseAddress { token: present.token.to_owned(), email: email.to_string() };
        self.mail_person(owner, &release).await?;
        self.record_action(&proof).await?;
        self.add_account_event(owner, AccountNotice::AddressRequested, email.as_str()).await
    }

    /// Requests an address change as an admin, for a person who lost access to the current address. The current address is
    /// only notified. Returns `NotFound` if there is no such person. For an approver it may have to be confirmed.
    pub async fn replace_address(&mut self, proof: Allowed<ReplaceAddress>, new: MailedLink<'_>) -> Result<Applied> {
        let ReplaceAddress { person, email } = proof.action();
        if !self.is_person(*person).await? {
            return Err(Error::NotFound);
        }
        let change = ProtectedChange::Address { person: *person, email: email.clone() };
        if self.access_awaits_confirmation(change).await? {
            return Ok(Applied::AfterConfirmation);
        }
        self.lock_person_row(*person).await?;
        self.store_address_change(*person, email, new, None).await?;
        self.record_action(&proof).await?;
        self.notify_person(*person, AccountNotice::AddressRequested, email.as_str()).await?;
        self.follow_access_to_account(*person, AccountChange::Address).await?;
        Ok(Applied::Now)
    }

    async fn store_address_change(
        &mut self,
        owner: PersonId,
        email: &Email,
        new: MailedLink<'_>,
        present: Option<MailedLink<'_>>,
    ) -> Result<()> {
        tenant_query!(self, execute, "delete from address_change where tenant_id = $1 and person_id = $2", owner)?;
        let issuer = self.maker().id.filter(|_| present.is_none());
        insert!(self, "address_change" {
            token_hash: new.token_hash,
            person_id: owner,
            email: email.clone(),
            created_at: self.now,
            expires_at: self.now.after(LIFETIME),
            current_token_hash: present.map(|link| link.token_hash),
            current_confirmed_at: present.is_none().then_some(self.now),
            issuer_id: issuer,
        })?;
        self.mail_address(owner, email, &Mail::ConfirmAddress { token: new.token.to_owned() }).await
    }

    async fn record_action<A: Action>(&mut self, proof: &Allowed<A>) -> Result<()> {
        let entry = self.entry(proof)?;
        self.record(entry).await
    }

    /// Records that one of the links was followed. After both, changes the address, starts the hold for an admin who replaced it again, ends the person's other sessions and
    /// returns the person. Returns `NotFound` if the link was used, replaced or has expired, and a conflict if the address
    /// is in use.
    pub async fn confirm_address(
        &mut self,
        token_hash: [u8; 32],
        this: Option<BrowserSessionId>,
    ) -> Result<Option<PersonId>> {
        let pending = tenant_query!(
            self,
            PendingAddress,
            fetch_one,
            "update address_change set new_confirmed_at = case when token_hash = $2 then $3 else new_confirmed_at end,
                current_confirmed_at = case when current_token_hash = $2 then $3 else current_confirmed_at end
             where tenant_id = $1 and (token_hash = $2 or current_token_hash = $2) and expires_at > $3
             returning person_id, email, issuer_id, new_confirmed_at, current_confirmed_at",
            token_hash,
            self.now
        )?;
        let PendingAddress { person_id: person, email, issuer_id, new_confirmed_at, current_confirmed_at } = pending;
        let target = ("person", person.to_string());
        if new_confirmed_at.is_none() || current_confirmed_at.is_none() {
            let by = if new_confirmed_at.is_some() { "new" } else { "present" };
            self.note("person.address_confirmed", target, Outcome::Done, json!({ "by": by })).await?;
            return Ok(None);
        }
        tenant_query!(self, execute, "delete from address_change where tenant_id = $1 and person_id = $2", person)?;
        let notice = Mail::AccountNotice { happened: AccountNotice::AddressChanged, detail: email.to_string() };
        self.mail_person(person, &notice).await?; // to the previous address
        const NAME: &str = "select name from person where tenant_id = $1 and id = $2";
        let name = tenant_query!(self, NameRow, fetch_one, NAME, person)?.name;
        let changed = tenant_query!(
            self,
            execute,
            "update person set email = $3, search_text = $4 where tenant_id = $1 and id = $2",
            person,
            email.clone(),
            search_text(&name, &email)
        );
        match changed {
            Err(error) if error.is_duplicate() => return Err(Error::Conflict(Conflict::AddressInUse)),
            other => other?,
        };
        let ended = self.end_browser_sessions(person, this).await?;
        tenant_query!(self, execute, "delete from password_link where tenant_id = $1 and person_id = $2", person)?;
        let entry = self.event("person.address_changed", target, Outcome::Done, Value::Null)?;
        self.record_both(entry, ended).await?;
        if issuer_id.is_some() {
            let managers = self.managers().await?;
            self.hold(person, issuer_id, AccountChange::Address, &managers).await?;
        }
        self.add_account_event(person, AccountNotice::AddressChanged, email.as_str()).await?;
        Ok(Some(person))
    }
}
