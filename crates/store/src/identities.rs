//! Identities: accounts at providers that are linked to a person, each by issuer and subject, never by an address.
use crate::{
    Conflict, Error, Read, Result, Write,
    db::{column::row_type, conn::tenant_query, id::new_id, insert::insert},
};
use domain::{
    Allowed, BrowserSessionId, IdentityId, PersonId, Timestamp,
    account::AccountNotice,
    policy::{LinkIdentity, UnlinkIdentity},
};

row_type! {
    /// A linked identity as its owner sees it.
    pub struct Identity {
        pub id: IdentityId,
        pub issuer: String,
        /// The provider's key in URLs.
        pub provider: String,
        /// The person's name at the provider when it was linked.
        pub name: String,
        pub created_at: Timestamp,
        pub last_used_at: Option<Timestamp>,
    }
}

row_type! {
    pub struct HasPassword {
        pub has_password: bool,
    }
}

/// An identity that a provider authenticated.
#[derive(Clone, Debug)]
pub struct NewIdentity {
    /// The issuer, compared exactly.
    pub issuer: String,
    pub subject: String,
    /// The provider's key in URLs.
    pub provider: String,
    /// The person's name at the provider.
    pub name: String,
}

/// The sign-in methods that are enabled now; used to count how many a person has.
#[derive(Clone, Debug, Default)]
pub struct SignInMethods {
    pub password: bool,
    /// Issuers of the enabled providers.
    pub issuers: Vec<String>,
}

const OWN: &str = "select id, issuer, provider, name, created_at, last_used_at from identity
     where tenant_id = $1 and person_id = $2 order by id limit 100";

impl Read {
    /// Returns the actor's own identities, oldest first.
    pub async fn identities(&mut self) -> Result<Vec<Identity>> {
        let person = self.viewer();
        tenant_query!(self, Identity, fetch_all, OWN, person)
    }
}

impl Write {
    /// Links an identity to the actor's own account. An identity that is linked to any account is a conflict.
    pub async fn link_identity(&mut self, proof: Allowed<LinkIdentity>, new: NewIdentity) -> Result<IdentityId> {
        let person = proof.action().person;
        let called = format!("{} ({})", proof.action().provider, new.name);
        let id = self.insert_identity(person, new).await?;
        let entry = self.entry(&proof)?.with_detail("identity", id.to_string().into());
        self.record(entry).await?;
        self.notify_person(person, AccountNotice::IdentityLinked, &called).await?;
        Ok(id)
    }

    /// Unlinks an identity unless it is the person's last sign-in method, and ends their sessions except `this`, because
    /// one may have been opened with it.
    pub async fn unlink_identity(
        &mut self,
        proof: Allowed<UnlinkIdentity>,
        ways: &SignInMethods,
        this: Option<BrowserSessionId>,
    ) -> Result<()> {
        let &UnlinkIdentity { identity, person, .. } = proof.action();
        // The update locks the row, so that of two concurrent unlinks the second sees the first.
        let known = tenant_query!(
            self,
            HasPassword,
            fetch_one,
            "update person set name = name where tenant_id = $1 and id = $2
             returning password_hash is not null as has_password",
            person
        )?;
        let all = tenant_query!(self, Identity, fetch_all, OWN, person)?;
        let Some(ending) = all.iter().find(|own| own.id == identity) else { return Err(Error::NotFound) };
        let by_another = all.iter().any(|own| own.id != identity && ways.issuers.contains(&own.issuer));
        let by_password = ways.password && known.has_password;
        if !by_another && !by_password {
            return Err(Error::Conflict(Conflict::LastSignInMethod));
        }
        const SQL: &str = "delete from identity where tenant_id = $1 and id = $2 and person_id = $3";
        tenant_query!(self, execute, SQL, identity, person)?;
        let ended = self.end_browser_sessions(person, this).await?;
        let entry = self.entry(&proof)?;
        self.record_both(entry, ended).await?;
        self.notify_person(person, AccountNotice::IdentityUnlinked, &ending.name).await
    }

    pub(crate) async fn insert_identity(&mut self, person: PersonId, new: NewIdentity) -> Result<IdentityId> {
        let id = IdentityId(new_id());
        let made = insert!(self, "identity" {
            id: id,
            person_id: person,
            issuer: new.issuer,
            subject: new.subject,
            provider: new.provider,
            name: new.name,
            created_at: self.now,
        },
            "on conflict (tenant_id, issuer, subject) do nothing"
        )?;
        match made {
            0 => Err(Error::Conflict(Conflict::IdentityLinked)),
            _ => Ok(id),
        }
    }
}
