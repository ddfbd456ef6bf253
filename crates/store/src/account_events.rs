//! Account events: what happened to a person's account, listed for them and shown until they have seen it.
use crate::{
    Read, Result, Write,
    db::{column::row_type, conn::tenant_query, id::new_id, insert::insert},
    people::PersonKey,
};
use domain::{EventId, PersonId, Timestamp, account::AccountNotice};

row_type! {
    /// A security-relevant event on a person's account.
    pub struct AccountEvent {
        pub id: EventId,
        pub happened: AccountNotice,
        /// Detail, such as the name of a passkey or the person who made the change.
        pub detail: String,
        /// Network address of the request, if known.
        pub address: String,
        pub created_at: Timestamp,
        /// When the owner dismissed the event.
        pub seen_at: Option<Timestamp>,
    }
}

impl Read {
    /// Returns the actor's own account events, newest first.
    pub async fn account_events(&mut self, limit: u32) -> Result<Vec<AccountEvent>> {
        let person = self.viewer();
        tenant_query!(
            self,
            AccountEvent,
            fetch_all,
            "select id, happened, detail, address, created_at, seen_at from account_event
             where tenant_id = $1 and person_id = $2 order by id desc limit $3",
            person,
            limit
        )
    }

    /// Returns the actor's account events that they have not dismissed, newest first.
    pub async fn unseen_account_events(&mut self, limit: u32) -> Result<Vec<AccountEvent>> {
        let person = self.viewer();
        tenant_query!(
            self,
            AccountEvent,
            fetch_all,
            "select id, happened, detail, address, created_at, seen_at from account_event
             where tenant_id = $1 and person_id = $2 and seen_at is null order by id desc limit $3",
            person,
            limit
        )
    }
}

impl Write {
    /// Marks the actor's account events as seen, up to and including `last`.
    pub async fn see_account_events(&mut self, last: EventId) -> Result<u64> {
        let person = self.viewer();
        tenant_query!(
            self,
            execute,
            "update account_event set seen_at = $4 where tenant_id = $1 and person_id = $2 and id <= $3 and seen_at is null",
            person,
            last,
            self.now
        )
    }

    /// Adds an account event for a person and mails it to them.
    pub(crate) async fn notify_person(
        &mut self,
        person: PersonId,
        happened: AccountNotice,
        detail: &str,
    ) -> Result<()> {
        self.add_account_event(person, happened, detail).await?;
        self.mail_person(person, &crate::Mail::AccountNotice { happened, detail: detail.to_owned() }).await
    }

    /// Notifies the admins of the tenant.
    pub(crate) async fn notify_admins(&mut self, happened: AccountNotice, detail: &str) -> Result<()> {
        // `<>` lets SQLite use the index.
        const SQL: &str = "select id from person
            where tenant_id = $1 and tenant_role <> 'person' and tenant_role = 'admin' and locked_at is null";
        for admin in tenant_query!(self, PersonKey, fetch_all, SQL)? {
            self.notify_person(admin.id, happened, detail).await?;
        }
        Ok(())
    }

    /// Adds an account event without mail, for changes that send a mail of their own.
    pub(crate) async fn add_account_event(
        &mut self,
        person: PersonId,
        happened: AccountNotice,
        detail: &str,
    ) -> Result<()> {
        let address = self.actor.address.clone().unwrap_or_default();
        insert!(self, "account_event" {
            id: EventId(new_id()),
            person_id: person,
            happened: happened,
            detail: detail.to_owned(),
            address: address,
            created_at: self.now,
        })?;
        self.publish(crate::Topic::People, person.0);
        Ok(())
    }
}
