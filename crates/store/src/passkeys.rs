//! Passkeys of people: public keys and the state of their authenticators.
use crate::{
    Conflict, Error, Read, Result, Write,
    db::{column::row_type, conn::tenant_query, insert::insert},
};
use cose::CoseKeys;
use domain::{
    Allowed, ApprovalId, BrowserSessionId, PasskeyId, PersonId, TenantId, Timestamp,
    account::AccountNotice,
    passkey::{self, Assertion, Base64Url, PasskeyAddition, SignedAddition},
    policy::{EnrollFactor, RemoveFactor, SignPasskey},
    text,
};
use std::time::Duration;

/// Maximum number of passkeys per person.
const MAX_PASSKEYS: usize = 20;

row_type! {
    /// A passkey as its owner sees it.
    pub struct PasskeyRow {
        pub id: PasskeyId,
        pub name: String,
        /// The host name that it is bound to.
        pub relying_party: String,
        pub created_at: Timestamp,
        pub last_used_at: Option<Timestamp>,
    }
}

row_type! {
    /// The number of a tenant's passkeys that are bound to a host name.
    pub struct PasskeyHost {
        pub host: String,
        pub passkeys: i64,
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

row_type! {
    /// The public part of a passkey.
    pub struct PublicKeyRow {
        pub id: PasskeyId,
        pub person_id: PersonId,
        pub name: String,
        pub credential_id: Vec<u8>,
        pub public_key: Vec<u8>,
        pub relying_party: String,
        /// When another passkey of the person signed that this one is theirs.
        pub addition_at: Option<Timestamp>,
        /// The assertion of that passkey.
        pub addition: Option<String>,
    }
}

impl PublicKeyRow {
    pub(crate) fn passkey(&self, tenant: TenantId) -> passkey::Passkey {
        passkey::Passkey {
            tenant,
            person: self.person_id,
            credential_id: Base64Url(self.credential_id.clone()),
            public_key: Base64Url(self.public_key.clone()),
            relying_party: self.relying_party.clone(),
        }
    }

    /// Returns the addition if there is one. One that cannot be read adds nothing.
    pub(crate) fn signed_addition(&self, tenant: TenantId) -> Option<SignedAddition> {
        let statement = PasskeyAddition { passkey: self.passkey(tenant), at: self.addition_at? };
        Some(SignedAddition { statement, assertion: self.addition.as_ref()?.parse().ok()? })
    }
}

macro_rules! public_key_columns {
    () => {
        "select id, person_id, name, credential_id, public_key, relying_party, addition_at, addition from passkey "
    };
}

/// Selects the passkeys of person `$2`.
macro_rules! passkeys_of {
    () => {
        concat!(public_key_columns!(), "where tenant_id = $1 and person_id = $2 order by id limit 100")
    };
}

/// Selects the passkeys of the people who decided request `$2`.
macro_rules! deciders_passkeys {
    () => {
        concat!(
            $crate::passkeys::public_key_columns!(),
            "where tenant_id = $1 and person_id in (select person_id from decision where tenant_id = $1 and approval_id = $2)
             order by id limit 2000"
        )
    };
}
pub(crate) use {deciders_passkeys, public_key_columns};

/// The public part of one of the actor's own passkeys.
#[derive(Clone, Debug)]
pub struct OwnPublicKey {
    pub id: PasskeyId,
    pub passkey: passkey::Passkey,
    /// When another of their passkeys signed it.
    pub signed_at: Option<Timestamp>,
}

/// The longest time between the statement of an addition and its arrival.
const MAX_ADDITION_AGE: Duration = Duration::from_hours(1);

/// A passkey to be stored.
#[derive(Clone, Debug)]
pub struct NewPasskey {
    pub id: PasskeyId,
    /// Name given by the owner: 1 to 80 characters.
    pub name: String,
    pub credential_id: Vec<u8>,
    /// Public key and state, as JSON.
    pub body: String,
    /// The public key as COSE_Key.
    pub public_key: Vec<u8>,
    /// The host name that it is bound to.
    pub relying_party: String,
}

impl Read {
    /// Returns the actor's own passkeys, oldest first.
    pub async fn passkeys(&mut self) -> Result<Vec<PasskeyRow>> {
        let person = self.viewer();
        tenant_query!(
            self,
            PasskeyRow,
            fetch_all,
            "select id, name, relying_party, created_at, last_used_at from passkey where tenant_id = $1 and person_id = $2
             order by id limit 100",
            person
        )
    }

    /// Returns the host names that passkeys are bound to, for actors who can read everything; empty for others.
    pub async fn passkey_hosts(&mut self) -> Result<Vec<PasskeyHost>> {
        if !self.actor.can_read_everything() {
            return Ok(vec![]);
        }
        const SQL: &str = "select relying_party as host, count(*) as passkeys from passkey where tenant_id = $1
             group by relying_party order by relying_party limit 100";
        tenant_query!(self, PasskeyHost, fetch_all, SQL)
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

impl Read {
    /// Returns the public parts of the actor's own passkeys, oldest first.
    pub async fn own_public_keys(&mut self) -> Result<Vec<OwnPublicKey>> {
        let person = self.viewer();
        let rows = tenant_query!(self, PublicKeyRow, fetch_all, passkeys_of!(), person)?;
        let own = |row: PublicKeyRow| OwnPublicKey {
            id: row.id,
            passkey: row.passkey(self.tenant),
            signed_at: row.addition_at,
        };
        Ok(rows.into_iter().map(own).collect())
    }
}

impl Write {
    /// Signs one of the actor's passkeys with another one, which made the assertion over [`PasskeyAddition`] at that time.
    pub async fn sign_passkey(
        &mut self,
        proof: Allowed<SignPasskey>,
        id: PasskeyId,
        at: Timestamp,
        assertion: &Assertion,
    ) -> Result<()> {
        let owner = proof.action().owner;
        const SQL: &str = concat!(public_key_columns!(), "where tenant_id = $1 and person_id = $2 and id = $3");
        let signed = tenant_query!(self, PublicKeyRow, fetch_one, SQL, owner, id)?;
        let statement = PasskeyAddition { passkey: signed.passkey(self.tenant), at };
        let is_recent = at <= self.now && at.after(MAX_ADDITION_AGE) >= self.now;
        let known = self.passkeys_of(owner).await?;
        let mut others = known.iter().filter(|other| other.credential_id != statement.passkey.credential_id);
        let by = others.find(|other| other.credential_id == assertion.credential_id);
        let is_signed = by.is_some_and(|by| assertion.check(&statement, by, &CoseKeys).is_ok());
        if !is_recent || !is_signed {
            return Err(Error::Conflict(Conflict::PasskeyRefused));
        }
        tenant_query!(
            self,
            execute,
            "update passkey set addition_at = $4, addition = $5 where tenant_id = $1 and person_id = $2 and id = $3",
            owner,
            id,
            at,
            assertion.to_string()
        )?;
        let by = assertion.credential_id.to_string();
        let entry =
            self.entry(&proof)?.with_detail("passkey", id.to_string().into()).with_detail("signed_with", by.into());
        self.record(entry).await
    }

    /// Returns the public parts of a person's passkeys.
    pub(crate) async fn passkeys_of(&mut self, person: PersonId) -> Result<Vec<passkey::Passkey>> {
        let rows = tenant_query!(self, PublicKeyRow, fetch_all, passkeys_of!(), person)?;
        Ok(rows.iter().map(|row| row.passkey(self.tenant)).collect())
    }

    /// Records that a person used a passkey to confirm a decision.
    pub(crate) async fn note_passkey_use(&mut self, person: PersonId, credential_id: &Base64Url) -> Result<()> {
        tenant_query!(
            self,
            execute,
            "update passkey set last_used_at = $4 where tenant_id = $1 and person_id = $2 and credential_id = $3",
            person,
            credential_id.0.clone(),
            self.now
        )?;
        Ok(())
    }

    /// Returns the public parts of the passkeys of the people who decided an approval request.
    pub(crate) async fn passkeys_of_deciders(&mut self, approval: ApprovalId) -> Result<Vec<PublicKeyRow>> {
        tenant_query!(self, PublicKeyRow, fetch_all, deciders_passkeys!(), approval)
    }

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
            public_key: new.public_key,
            relying_party: new.relying_party,
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
        const SQL: &str = "select id, name, relying_party, created_at, last_used_at from passkey where tenant_id = $1 and person_id = $2 and id = $3";
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
