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
    /// A session as its owner sees it.
    pub struct BrowserSessionRow {
        /// Its id: not what the cookie holds.
        pub id: BrowserSessionId,
        /// What it is used with.
        pub device: String,
        /// Where from it was made.
        pub address: String,
        pub created_at: Timestamp,
        /// When it was last used, to a minute.
        pub last_used_at: Timestamp,
        /// When it ends at the latest.
        pub expires_at: Timestamp,
    }
}

row_type! {
    /// A session as a request finds it.
    pub struct Session {
        pub tenant_id: TenantId,
        pub id: BrowserSessionId,
        pub person_id: PersonId,
        pub signed_in_by: SignedInBy,
        /// Whether a second factor was shown, or vouched for.
        pub second_factor_verified: bool,
        /// When they last proved who they are.
        pub authenticated_at: Timestamp,
        pub created_at: Timestamp,
        /// When it was last used, to a minute.
        pub last_used_at: Timestamp,
        /// When it ends at the latest.
        pub expires_at: Timestamp,
        /// Whether it is due a new id in the cookie.
        pub rotate: bool,
    }
}

/// What somebody signed in with. It is looked at once more in the transaction that opens their session: between the two a
/// password may have been changed, and every session ended, by who knows that it is known to others.
#[derive(Clone)]
pub enum Ground {
    /// A password, by the hash that the account had then, if it had one.
    Password(Option<String>),
    /// A passkey.
    Passkey(PasskeyId),
    /// An identity at a provider.
    Identity {
        /// The issuer, exactly.
        issuer: String,
        /// Who it is there.
        subject: String,
    },
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Ground::Password",
            Self::Passkey(_) => "Ground::Passkey",
            Self::Identity { .. } => "Ground::Identity",
        })
    }
}

row_type! {
    /// What a person's password is kept as.
    pub struct Kept {
        /// Its hash, if there is one.
        pub password_hash: Option<String>,
    }
}

/// What a new session starts with.
#[derive(Clone, Debug)]
pub struct NewBrowserSession {
    /// The hash of what the cookie holds.
    pub token_hash: [u8; 32],
    pub id: BrowserSessionId,
    pub person: PersonId,
    pub by: SignedInBy,
    pub ground: Ground,
    /// Whether a second factor was shown, or who signed them in vouches for one.
    pub second_factor_verified: bool,
    /// When they proved who they are: now, or earlier where a provider says so.
    pub authenticated_at: Timestamp,
    /// The browser, in words.
    pub device: String,
    pub address: String,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

impl Read {
    /// One of the actor's own sessions, if it is open.
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

    /// The actor's own sessions, the latest used first.
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
    /// Opens a session for somebody who just proved who they are. Those of theirs whose time is up go meanwhile. `NotFound`
    /// when they were locked out since, or what they signed in with counts no more.
    pub async fn open_browser_session(&mut self, new: NewBrowserSession) -> Result<()> {
        if !self.still_stands(&new).await? {
            return Err(Error::NotFound);
        }
        const OVER: &str = "delete from browser_session where tenant_id = $1 and person_id = $2 and expires_at <= $3";
        tenant_query!(self, execute, OVER, new.person, self.now)?;
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
        let detail = json!({ "by": new.by, "second_factor": new.second_factor_verified });
        self.note("browser_session.open", ("browser_session", new.id.to_string()), Outcome::Done, detail).await?;
        self.publish(Topic::People, new.person.0);
        Ok(())
    }

    /// Whether what somebody signs in with leads in still. From here to the commit their row is held, which everything takes
    /// first that ends their sessions: either it sees the new one, or it is seen here. Only who ends everybody's does not wait
    /// for those who are just coming in.
    async fn still_stands(&mut self, new: &NewBrowserSession) -> Result<bool> {
        const HOLD: &str = "update person set name = name
            where tenant_id = $1 and id = $2 and locked_at is null and responsible_id is null returning password_hash";
        let Some(kept) = tenant_query!(self, Kept, fetch_optional, HOLD, new.person)? else { return Ok(false) };
        if new.by == SignedInBy::BreakGlass {
            const GLASS: &str = "select count(*) as n from break_glass
                where tenant_id = $1 and person_id = $2 and expires_at > $3";
            if tenant_query!(self, Number, fetch_one, GLASS, new.person, self.now)?.n == 0 {
                return Ok(false);
            }
        }
        let found = match &new.ground {
            Ground::Password(hash) => return Ok(kept.password_hash == *hash),
            Ground::Passkey(id) => {
                const KEY: &str =
                    "select count(*) as n from passkey where tenant_id = $1 and person_id = $2 and id = $3";
                tenant_query!(self, Number, fetch_one, KEY, new.person, *id)?
            }
            Ground::Identity { issuer, subject } => {
                const IDENTITY: &str = "select count(*) as n from identity
                    where tenant_id = $1 and person_id = $2 and issuer = $3 and subject = $4";
                tenant_query!(self, Number, fetch_one, IDENTITY, new.person, issuer.clone(), subject.clone())?
            }
        };
        Ok(found.n > 0)
    }

    /// Holds one of the actor's own sessions to the end of the transaction: who would end it comes before, or after. `NotFound`
    /// when it has ended (E11).
    pub async fn lock_browser_session(&mut self, session: BrowserSessionId) -> Result<()> {
        const SQL: &str = "update browser_session set rotate = rotate
            where tenant_id = $1 and id = $2 and person_id = $3 and expires_at > $4";
        let owner = self.viewer();
        match tenant_query!(self, execute, SQL, session, owner, self.now)? {
            0 => Err(Error::NotFound),
            _ => Ok(()),
        }
    }

    /// Completes a session of the actor's own in which a second factor was shown: it goes on under another token, and the one
    /// before opens nothing. It stays the same session, so whoever ends it at that moment ends it. `NotFound` when it has ended
    /// (E11).
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

    /// Records that somebody tried to sign in as `person` and could not.
    pub async fn note_refused_sign_in(&mut self, person: PersonId, reason: &str) -> Result<()> {
        let detail = json!({ "reason": reason });
        self.note("browser_session.open", ("person", person.to_string()), Outcome::Refused, detail).await?;
        self.count_failure(person).await
    }

    /// Notes that the holder of a session just proved again who they are. `NotFound` when it ended meanwhile (E11).
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

    /// Holds a person's row: whoever signs in as them comes before, or after (see [`Self::still_stands`]).
    pub(crate) async fn hold_person(&mut self, person: PersonId) -> Result<()> {
        const SQL: &str = "update person set name = name where tenant_id = $1 and id = $2";
        tenant_query!(self, execute, SQL, person).map(drop)
    }

    /// Ends every session of a person but `this`, if they have it. Where there were any, it gives the record of that (K-05),
    /// to be appended with the caller's own: rows are taken before the log, by everybody.
    pub(crate) async fn end_browser_sessions(
        &mut self,
        person: PersonId,
        this: Option<BrowserSessionId>,
    ) -> Result<Option<Entry>> {
        const SQL: &str = "delete from browser_session where tenant_id = $1 and person_id = $2 and id <> $3";
        self.hold_person(person).await?;
        let ended = tenant_query!(self, execute, SQL, person, this.unwrap_or(BrowserSessionId(uuid::Uuid::nil())))?;
        self.publish(Topic::People, person.0);
        self.ended(person, ended)
    }

    /// The record that so many sessions of a person ended, if any did.
    pub(crate) fn ended(&self, person: PersonId, ended: u64) -> Result<Option<Entry>> {
        let target = ("person", person.to_string());
        let entry = || self.event("browser_session.end_all", target, Outcome::Done, json!({ "ended": ended }));
        (ended > 0).then(entry).transpose()
    }

    /// Ends one session. `NotFound` when it has ended already.
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

    /// Ends all sessions of a person but `this` one; says how many.
    pub async fn end_other_browser_sessions(
        &mut self,
        proof: Allowed<EndOtherBrowserSessions>,
        this: BrowserSessionId,
    ) -> Result<u64> {
        let owner = proof.action().owner;
        self.hold_person(owner).await?;
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
