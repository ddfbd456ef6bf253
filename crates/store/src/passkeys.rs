//! Passkeys of people: public keys and the state of their authenticators.
use crate::{
    Conflict, Error, Read, Result, Write,
    db::{column::row_type, conn::tenant_query, insert::insert},
};
use domain::{
    Allowed, BrowserSessionId, PasskeyId, Timestamp,
    account::AccountNotice,
    policy::{EnrollFactor, RemoveFactor},
    text,
};

/// Maximum number of passkeys per person.
const MAX_PASSKEYS: usize = 20;

row_type! {
    /// A passkey as its owner sees it.
    pub struct PasskeyRow {
        pub id: PasskeyId,
        pub name: String,
        pub created_at: Timestamp,
        pub last_used_at: Option<Timestamp>,
    }
}

row_type! {
    /// A passkey for verification in a ceremony.
    pub struct Passkey {
        pub id: PasskeyId,
        /// Public key and state, as JSON.
        pub body: String,
    }
}

/// A passkey to be stored.
#[derive(Clone, Debug)]
pub struct NewPasskey {
    pub id: PasskeyId,
    /// Name given by the owner: 1 to 80 characters.
    pub name: String,
    pub credential_id: Vec<u8>,
    /// Public key and state, as JSON.
    pub body: String,
}

impl Read {
    /// Returns the actor's own passkeys, oldest first.
    pub async fn passkeys(&mut self) -> Result<Vec<PasskeyRow>> {
        let person = self.viewer();
        tenant_query!(
            self,
            PasskeyRow,
            fetch_all,
            "select id, name, created_at, last_used_at from passkey where tenant_id = $1 and person_id = $2
             order by id limit 100",
            person
        )
    }

    /// Returns the actor's own passkeys with their public keys.
    pub async fn passkey_credentials(&mut self) -> Result<Vec<Passkey>> {
        let person = self.viewer();
        tenant_query!(
            self,
            Passkey,
            fetch_all,
            "select id, body from passkey where tenant_id = $1 and person_id = $2 order by id limit 100",
            person
        )
    }
}

impl Write {
    /// Adds a passkey. A credential that is registered to any account is a conflict.
    pub async fn add_passkey(&mut self, proof: Allowed<EnrollFactor>, new: NewPasskey) -> Result<()> {
        let owner = proof.action().owner;
        let name = text::name("name", &new.name, 80)?;
        const SQL: &str = "select id, body from passkey where tenant_id = $1 and person_id = $2 limit 100";
        if tenant_query!(self, Passkey, fetch_all, SQL, owner)?.len() >= MAX_PASSKEYS {
            return Err(Error::Conflict(Conflict::TooManyPasskeys));
        }
        let added = insert!(self, "passkey" {
            id: new.id,
            person_id: owner,
            name: name.clone(),
            credential_id: new.credential_id,
            body: new.body,
            created_at: self.now,
        });
        match added {
            Err(error) if error.is_duplicate() => return Err(Error::Conflict(Conflict::PasskeyKnown)),
            other => other?,
        };
        let entry = self.entry(&proof)?.with_detail("passkey", new.id.to_string().into());
        self.record(entry).await?;
        self.notify_person(owner, AccountNotice::PasskeyAdded, &name).await
    }

    /// Records the use and the new state of one of the actor's passkeys. Returns `NotFound` if it was removed.
    pub async fn use_passkey(&mut self, id: PasskeyId, body: &str) -> Result<()> {
        let person = self.viewer();
        let used = tenant_query!(
            self,
            execute,
            "update passkey set last_used_at = $4, body = $5 where tenant_id = $1 and id = $2 and person_id = $3",
            id,
            person,
            self.now,
            body.to_owned()
        )?;
        if used == 0 { Err(Error::NotFound) } else { Ok(()) }
    }

    /// Removes one of the actor's passkeys and ends their other sessions. Returns `NotFound` if it was removed before.
    pub async fn remove_passkey(
        &mut self,
        proof: Allowed<RemoveFactor>,
        id: PasskeyId,
        this: Option<BrowserSessionId>,
    ) -> Result<()> {
        let owner = proof.action().owner;
        const SQL: &str = "select id, name, created_at, last_used_at from passkey where tenant_id = $1 and person_id = $2 and id = $3";
        let ended = self.end_browser_sessions(owner, this).await?;
        let removed = tenant_query!(self, PasskeyRow, fetch_one, SQL, owner, id)?;
        tenant_query!(
            self,
            execute,
            "delete from passkey where tenant_id = $1 and person_id = $2 and id = $3",
            owner,
            id
        )?;
        self.delete_unneeded_recovery_codes(owner).await?;
        let entry = self.entry(&proof)?.with_detail("passkey", id.to_string().into());
        self.record_both(entry, ended).await?;
        self.notify_person(owner, AccountNotice::PasskeyRemoved, &removed.name).await
    }
}
