//! Sessions of signed-in browsers. Ids in cookies are kept as hashes; saving updates a row and never makes one (E11).
use crate::{
    Error, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
        insert::insert,
    },
};
use domain::{
    Allowed, BrowserSessionId, PasskeyId, PersonId, SignedInBy, TenantId, Timestamp,
    audit::{Entry, Outcome},
    policy::{EndBrowserSession, EndOtherBrowserSessions},
};
use serde_json::{Value, json};

row_type! {
    /// A browser session as its owner sees it.
    pub struct BrowserSessionRow {
        /// Id of the session; not the value of the cookie.
        pub id: BrowserSessionId,
        /// Browser and operating system.
        pub device: String,
        /// Network address at sign-in.
        pub address: String,
        pub created_at: Timestamp,
        /// Last use, to the minute.
        pub last_used_at: Timestamp,
        /// Latest end of the session.
        pub expires_at: Timestamp,
    }
}

row_type! {
    /// A browser session as the request handler reads it.
    pub struct Session {
        pub tenant_id: TenantId,
        pub id: BrowserSessionId,
        pub person_id: PersonId,
        pub signed_in_by: SignedInBy,
        /// Whether a second factor was verified here or by the provider.
        pub second_factor_verified: bool,
        /// Time of the last authentication.
        pub authenticated_at: Timestamp,
        pub created_at: Timestamp,
        /// Last use, to the minute.
        pub last_used_at: Timestamp,
        /// Latest end of the session.
        pub expires_at: Timestamp,
        /// Whether the session needs a new token in its cookie.
        pub rotate: bool,
    }
}

/// The credential that a sign-in used. The transaction that opens the session checks it again: the password may have been
/// changed and all sessions ended in between, because someone else knew it.
#[derive(Clone)]
pub enum SignInBasis {
    /// A password, identified by the hash of the account at that time.
    Password(Option<String>),
    Passkey(PasskeyId),
    /// An identity at a provider.
    Identity {
        /// The issuer, compared exactly.
        issuer: String,
        /// The subject at that issuer.
        subject: String,
    },
}

impl std::fmt::Debug for SignInBasis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "SignInBasis::Password",
            Self::Passkey(_) => "SignInBasis::Passkey",
            Self::Identity { .. } => "SignInBasis::Identity",
        })
    }
}

/// Maximum number of open browser sessions of a person.
pub const MAX_BROWSER_SESSIONS: u32 = 50;

row_type! {
    /// A session that was ended.
    pub struct EndedSession {
        pub id: BrowserSessionId,
    }
}

row_type! {
    /// A person's stored password hash.
    pub struct StoredPassword {
        pub password_hash: Option<String>,
    }
}

/// A browser session to be opened.
#[derive(Clone, Debug)]
pub struct NewBrowserSession {
    /// Hash of the token in the cookie.
    pub token_hash: [u8; 32],
    pub id: BrowserSessionId,
    pub person: PersonId,
    pub by: SignedInBy,
    pub basis: SignInBasis,
    /// Whether a second factor was verified here or by the provider.
    pub second_factor_verified: bool,
    /// Time of authentication: now, or earlier if a provider says so.
    pub authenticated_at: Timestamp,
    /// Browser and operating system.
    pub device: String,
    pub address: String,
    /// Latest end of the session.
    pub expires_at: Timestamp,
}

impl Read {
    /// Returns one of the actor's own sessions if it is open.
    pub async fn own_browser_session(&mut self, id: BrowserSessionId) -> Result<Option<BrowserSessionRow>> {
        let person = self.viewer();
        tenant_query!(
            self,
            BrowserSessionRow,
            fetch_optional,
            "select id, device, address, created_at, last_used_at, expires_at from browser_session
             where tenant_id = $1 and person_id = $2 and id = $3",
            person,
            id
        )
    }

    /// Returns the actor's own sessions, most recently used first.
    pub async fn sessions(&mut self) -> Result<Vec<BrowserSessionRow>> {
        let person = self.viewer();
        tenant_query!(
            self,
            BrowserSessionRow,
            fetch_all,
            "select id, device, address, created_at, last_used_at, expires_at from browser_session
             where tenant_id = $1 and person_id = $2 order by last_used_at desc limit 200",
            person
        )
    }
}

impl Write {
    /// Opens a session for a person who just authenticated, and deletes their expired ones. Beyond
    /// [`MAX_BROWSER_SESSIONS`], those that were not used for the longest time end, and before them those without a second factor:
    /// knowing the password must not be enough to end a complete session. Returns `NotFound` if the person was locked or
    /// the credential became invalid in the meantime.
    pub async fn open_browser_session(&mut self, new: NewBrowserSession) -> Result<()> {
        if !self.is_credential_valid(&new).await? {
            return Err(Error::NotFound);
        }
        const OVER: &str = "delete from browser_session where tenant_id = $1 and person_id = $2 and expires_at <= $3";
        tenant_query!(self, execute, OVER, new.person, self.now)?;
        const EXCESS: &str = "delete from browser_session where tenant_id = $1 and person_id = $2 and id in (
                select id from browser_session where tenant_id = $1 and person_id = $2
                order by second_factor_verified desc, last_used_at desc, created_at desc, id limit 1000000 offset $3)
            returning id";
        let kept = i64::from(MAX_BROWSER_SESSIONS - 1);
        let excess = tenant_query!(self, EndedSession, fetch_all, EXCESS, new.person, kept)?;
        insert!(self, "browser_session" {
            id: new.id,
            token_hash: new.token_hash,
            person_id: new.person,
            signed_in_by: new.by,
            second_factor_verified: new.second_factor_verified,
            device: new.device,
            address: new.address,
            created_at: self.now,
            authenticated_at: new.authenticated_at.min(self.now),
            last_used_at: self.now,
            expires_at: new.expires_at,
        })?;
        for EndedSession { id } in excess {
            let detail = json!({ "reason": "too many browser sessions", "limit": MAX_BROWSER_SESSIONS });
            self.note("browser_session.end", ("browser_session", id.to_string()), Outcome::Done, detail).await?;
        }
        let detail = json!({ "by": new.by, "second_factor": new.second_factor_verified });
        self.note("browser_session.open", ("browser_session", new.id.to_string()), Outcome::Done, detail).await?;
        self.publish(Topic::People, new.person.0);
        Ok(())
    }

    /// Returns whether the credential of a sign-in is still valid. It locks the person's row until the commit, as
    /// everything that ends their sessions does first: either that transaction sees the new session, or this one sees its
    /// effect. Only ending the sessions of the whole tenant does not wait for sign-ins in progress.
    async fn is_credential_valid(&mut self, new: &NewBrowserSession) -> Result<bool> {
        const HOLD: &str = "update person set name = name
            where tenant_id = $1 and id = $2 and locked_at is null and responsible_id is null returning password_hash";
        let Some(kept) = tenant_query!(self, StoredPassword, fetch_optional, HOLD, new.person)? else {
            return Ok(false);
        };
        if new.by == SignedInBy::BreakGlass {
            const GLASS: &str = "select count(*) as n from break_glass
                where tenant_id = $1 and person_id = $2 and expires_at > $3";
            if tenant_query!(self, Number, fetch_one, GLASS, new.person, self.now)?.n == 0 {
                return Ok(false);
            }
        }
        let found = match &new.basis {
            SignInBasis::Password(hash) => return Ok(kept.password_hash == *hash),
            SignInBasis::Passkey(id) => {
                const KEY: &str =
                    "select count(*) as n from passkey where tenant_id = $1 and person_id = $2 and id = $3";
                tenant_query!(self, Number, fetch_one, KEY, new.person, *id)?
            }
            SignInBasis::Identity { issuer, subject } => {
                const IDENTITY: &str = "select count(*) as n from identity
                    where tenant_id = $1 and person_id = $2 and issuer = $3 and subject = $4";
                tenant_query!(self, Number, fetch_one, IDENTITY, new.person, issuer.clone(), subject.clone())?
            }
        };
        Ok(found.n > 0)
    }

    /// Locks one of the actor's own sessions until the end of the transaction, so that it cannot end in between. Returns
    /// `NotFound` if it has ended (E11).
    pub async fn lock_browser_session(&mut self, session: BrowserSessionId) -> Result<()> {
        const SQL: &str = "update browser_session set rotate = rotate
            where tenant_id = $1 and id = $2 and person_id = $3 and expires_at > $4";
        let owner = self.viewer();
        match tenant_query!(self, execute, SQL, session, owner, self.now)? {
            0 => Err(Error::NotFound),
            _ => Ok(()),
        }
    }

    /// Completes a session of the actor after the second factor was verified: it continues under a new token, and the old
    /// token becomes invalid. It keeps its id, so a concurrent end of the session still ends it. Returns `NotFound` if it
    /// has ended (E11).
    pub async fn complete_second_factor(&mut self, session: BrowserSessionId, token_hash: [u8; 32]) -> Result<()> {
        let owner = self.viewer();
        let second_factor_verified = tenant_query!(
            self,
            execute,
            "update browser_session set token_hash = $4, previous_hash = null, rotated_at = null, rotate = false, second_factor_verified = true,
                authenticated_at = $5, last_used_at = $5
             where tenant_id = $1 and id = $2 and person_id = $3 and expires_at > $5",
            session,
            owner,
            token_hash,
            self.now
        )?;
        if second_factor_verified == 0 {
            return Err(Error::NotFound);
        }
        let detail = json!({ "by": self.actor.by, "second_factor": true });
        self.note("browser_session.open", ("browser_session", session.to_string()), Outcome::Done, detail).await?;
        self.publish(Topic::People, owner.0);
        Ok(())
    }

    /// Records a failed sign-in as `person`.
    pub async fn note_refused_sign_in(&mut self, person: PersonId, reason: &str) -> Result<()> {
        let detail = json!({ "reason": reason });
        self.note("browser_session.open", ("person", person.to_string()), Outcome::Refused, detail).await?;
        self.count_failure(person).await
    }

    /// Records that the holder of a session authenticated again. Returns `NotFound` if the session has ended (E11).
    pub async fn reauthenticate_browser_session(&mut self, session: BrowserSessionId) -> Result<()> {
        let owner = self.viewer();
        let proved = tenant_query!(
            self,
            execute,
            "update browser_session set authenticated_at = $4 where tenant_id = $1 and id = $2 and person_id = $3",
            session,
            owner,
            self.now
        )?;
        if proved == 0 {
            return Err(Error::NotFound);
        }
        let target = ("browser_session", session.to_string());
        self.note("browser_session.prove", target, Outcome::Done, Value::Null).await
    }

    /// Locks a person's row, so that concurrent sign-ins come before or after (see [`Self::is_credential_valid`]).
    pub(crate) async fn lock_person_row(&mut self, person: PersonId) -> Result<()> {
        const SQL: &str = "update person set name = name where tenant_id = $1 and id = $2";
        tenant_query!(self, execute, SQL, person).map(drop)
    }

    /// Ends every session of a person except `this`. If there were any, returns the audit event (K-05) for the caller to
    /// append with its own: rows are always locked before the audit log.
    pub(crate) async fn end_browser_sessions(
        &mut self,
        person: PersonId,
        this: Option<BrowserSessionId>,
    ) -> Result<Option<Entry>> {
        const SQL: &str = "delete from browser_session where tenant_id = $1 and person_id = $2 and id <> $3";
        self.lock_person_row(person).await?;
        let ended = tenant_query!(self, execute, SQL, person, this.unwrap_or(BrowserSessionId(uuid::Uuid::nil())))?;
        self.publish(Topic::People, person.0);
        self.ended(person, ended)
    }

    /// Returns the audit event for `ended` sessions of a person, if there were any.
    pub(crate) fn ended(&self, person: PersonId, ended: u64) -> Result<Option<Entry>> {
        let target = ("person", person.to_string());
        let entry = || self.event("browser_session.end_all", target, Outcome::Done, json!({ "ended": ended }));
        (ended > 0).then(entry).transpose()
    }

    /// Ends one session. Returns `NotFound` if it has already ended.
    pub async fn end_browser_session(&mut self, proof: Allowed<EndBrowserSession>) -> Result<()> {
        let &EndBrowserSession { session, owner } = proof.action();
        let ended = tenant_query!(
            self,
            execute,
            "delete from browser_session where tenant_id = $1 and id = $2 and person_id = $3",
            session,
            owner
        )?;
        if ended == 0 {
            return Err(Error::NotFound);
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.publish(Topic::People, owner.0);
        Ok(())
    }

    /// Ends all sessions of a person except `this` and returns their number.
    pub async fn end_other_browser_sessions(
        &mut self,
        proof: Allowed<EndOtherBrowserSessions>,
        this: BrowserSessionId,
    ) -> Result<u64> {
        let owner = proof.action().owner;
        self.lock_person_row(owner).await?;
        let ended = tenant_query!(
            self,
            execute,
            "delete from browser_session where tenant_id = $1 and person_id = $2 and id <> $3",
            owner,
            this
        )?;
        let entry = self.entry(&proof)?.with_detail("ended", Value::from(ended));
        self.record(entry).await?;
        self.publish(Topic::People, owner.0);
        Ok(ended)
    }
}
