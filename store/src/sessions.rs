//! Sessions of signed-in browsers. Ids in cookies are kept as hashes; saving updates a row and never makes one (E11).
use crate::{Read, Result, Topic, Write, column::record, conn::scoped};
use domain::{
    Allowed, PersonId, SessionId, SignedInBy, TenantId, Timestamp,
    policy::{EndOtherSessions, EndSession},
};
use serde_json::Value;

record! {
    /// A session as its owner sees it.
    pub struct SessionRow {
        /// Its id: not what the cookie holds.
        pub id: SessionId,
        /// What it is used with.
        pub device: String,
        /// Where from it was made.
        pub address: String,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it was last used, to a minute.
        pub last_used_at: Timestamp,
        /// When it ends at the latest.
        pub expires_at: Timestamp,
    }
}

record! {
    /// A session as a request finds it.
    pub struct Session {
        /// Its tenant.
        pub tenant_id: TenantId,
        /// Its id.
        pub id: SessionId,
        /// Whose it is.
        pub person_id: PersonId,
        /// How they signed in.
        pub signed_in_by: SignedInBy,
        /// Whether a second factor was shown, or vouched for.
        pub vouched: bool,
        /// When they last proved who they are.
        pub proved_at: Timestamp,
        /// When they signed in.
        pub created_at: Timestamp,
        /// When it was last used, to a minute.
        pub last_used_at: Timestamp,
        /// When it ends at the latest.
        pub expires_at: Timestamp,
        /// Whether it is due a new id in the cookie.
        pub rotate: bool,
    }
}

/// What a new session starts with.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The hash of what the cookie holds.
    pub token_hash: [u8; 32],
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub person: PersonId,
    /// How they signed in.
    pub by: SignedInBy,
    /// Whether a second factor was shown, or who signed them in vouches for one.
    pub vouched: bool,
    /// When they proved who they are: now, or earlier where a provider says so.
    pub proved_at: Timestamp,
    /// The browser, in words.
    pub device: String,
    /// Where from.
    pub address: String,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

impl Read {
    /// The actor's own sessions, the latest used first.
    pub async fn sessions(&mut self) -> Result<Vec<SessionRow>> {
        let person = self.viewer();
        scoped!(
            self,
            SessionRow,
            fetch_all,
            "select id, device, address, created_at, last_used_at, expires_at from session
             where tenant_id = $1 and person_id = $2 order by last_used_at desc limit 200",
            person
        )
    }
}

impl Write {
    /// Opens a session for somebody who just proved who they are. Those of theirs whose time is up go meanwhile.
    pub async fn open_session(&mut self, new: NewSession) -> Result<()> {
        const OVER: &str = "delete from session where tenant_id = $1 and person_id = $2 and expires_at <= $3";
        scoped!(self, execute, OVER, new.person, self.now)?;
        scoped!(
            self,
            execute,
            "insert into session (tenant_id, id, token_hash, person_id, signed_in_by, vouched, device, address,
                created_at, proved_at, last_used_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $11)",
            new.id,
            new.token_hash,
            new.person,
            new.by,
            new.vouched,
            new.device,
            new.address,
            self.now,
            new.proved_at.min(self.now),
            new.expires_at
        )?;
        let detail = serde_json::json!({ "by": new.by, "second_factor": new.vouched });
        self.note("session.open", ("session", new.id.to_string()), domain::audit::Outcome::Done, detail).await?;
        self.tell(Topic::People, new.person.0);
        Ok(())
    }

    /// Records that somebody tried to sign in as `person` and could not.
    pub async fn note_refused_sign_in(&mut self, person: PersonId, reason: &str) -> Result<()> {
        let detail = serde_json::json!({ "reason": reason });
        self.note("session.open", ("person", person.to_string()), domain::audit::Outcome::Refused, detail).await?;
        self.count_failure(person).await
    }

    /// Notes that the holder of a session just proved again who they are. `NotFound` when it ended meanwhile (E11).
    pub async fn prove_session(&mut self, session: SessionId) -> Result<()> {
        let owner = self.viewer();
        let proved = scoped!(
            self,
            execute,
            "update session set proved_at = $4 where tenant_id = $1 and id = $2 and person_id = $3",
            session,
            owner,
            self.now
        )?;
        if proved == 0 {
            return Err(crate::Error::NotFound);
        }
        let target = ("session", session.to_string());
        self.note("session.prove", target, domain::audit::Outcome::Done, Value::Null).await
    }

    /// Ends every session of a person but `this`, if they have it.
    pub(crate) async fn end_sessions(&mut self, person: PersonId, this: Option<SessionId>) -> Result<()> {
        let this = this.unwrap_or(SessionId(uuid::Uuid::nil()));
        scoped!(
            self,
            execute,
            "delete from session where tenant_id = $1 and person_id = $2 and id <> $3",
            person,
            this
        )?;
        self.tell(Topic::People, person.0);
        Ok(())
    }

    /// Ends one session. `NotFound` when it has ended already.
    pub async fn end_session(&mut self, proof: Allowed<EndSession>) -> Result<()> {
        let &EndSession { session, owner } = proof.action();
        let ended = scoped!(
            self,
            execute,
            "delete from session where tenant_id = $1 and id = $2 and person_id = $3",
            session,
            owner
        )?;
        if ended == 0 {
            return Err(crate::Error::NotFound);
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.tell(Topic::People, owner.0);
        Ok(())
    }

    /// Ends all sessions of a person but `this` one; says how many.
    pub async fn end_other_sessions(&mut self, proof: Allowed<EndOtherSessions>, this: SessionId) -> Result<u64> {
        let owner = proof.action().owner;
        let ended = scoped!(
            self,
            execute,
            "delete from session where tenant_id = $1 and person_id = $2 and id <> $3",
            owner,
            this
        )?;
        let entry = self.entry(&proof)?.with_detail("ended", Value::from(ended));
        self.record(entry).await?;
        self.tell(Topic::People, owner.0);
        Ok(ended)
    }
}
