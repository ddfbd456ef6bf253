//! Break-glass: admins who may use their password for a while though other ways in are closed.
use crate::{
    Error, Read, Result, Topic, Write,
    db::{column::row_type, conn::tenant_query},
};
use domain::{
    Allowed, PersonId, Timestamp,
    policy::{CloseBreakGlass, OpenBreakGlass},
    text,
};

row_type! {
    /// An active break-glass permission.
    pub struct BreakGlass {
        pub person_id: PersonId,
        pub name: String,
        pub email: String,
        pub reason: String,
        pub opened_at: Timestamp,
        pub expires_at: Timestamp,
    }
}

impl Read {
    /// Returns the permissions active at `now`, for actors who can read everything.
    pub async fn break_glass(&mut self, now: Timestamp) -> Result<Vec<BreakGlass>> {
        if !self.actor.can_read_everything() {
            return Ok(vec![]);
        }
        tenant_query!(
            self,
            BreakGlass,
            fetch_all,
            "select g.person_id, p.name, p.email, g.reason, g.opened_at, g.expires_at from break_glass g
             join person p on p.tenant_id = g.tenant_id and p.id = g.person_id
             where g.tenant_id = $1 and g.expires_at > $2 order by p.email limit 100",
            now
        )
    }
}

impl Write {
    /// Opens break-glass sign-in for an admin or changes its expiry. Returns `NotFound` for anyone else, and for
    /// an admin who is locked and could not sign in.
    pub async fn open_break_glass(&mut self, proof: Allowed<OpenBreakGlass>) -> Result<()> {
        let OpenBreakGlass { person, until, reason } = proof.action();
        let (person, until) = (*person, *until);
        let opened = tenant_query!(
            self,
            execute,
            "insert into break_glass (tenant_id, person_id, reason, opened_at, expires_at)
             select p.tenant_id, p.id, $3, $4, $5 from person p
             where p.tenant_id = $1 and p.id = $2 and p.tenant_role = 'admin' and p.locked_at is null
             on conflict (tenant_id, person_id) do update
             set reason = excluded.reason, opened_at = excluded.opened_at, expires_at = excluded.expires_at",
            person,
            text::name("reason", reason, 200)?,
            self.now,
            until
        )?;
        if opened == 0 {
            return Err(Error::NotFound);
        }
        self.publish(Topic::People, person.0);
        let entry = self.entry(&proof)?;
        self.record(entry).await
    }

    /// Closes break-glass sign-in and ends all sessions of that person. Returns `NotFound` if it was not open.
    pub async fn close_break_glass(&mut self, proof: Allowed<CloseBreakGlass>) -> Result<()> {
        let person = proof.action().person;
        const SQL: &str = "delete from break_glass where tenant_id = $1 and person_id = $2";
        self.lock_person_row(person).await?; // a concurrent sign-in comes before, and is signed out, or after, and is refused
        if tenant_query!(self, execute, SQL, person)? == 0 {
            return Err(Error::NotFound);
        }
        const SESSIONS: &str =
            "delete from browser_session where tenant_id = $1 and person_id = $2 and signed_in_by = 'break_glass'";
        let ended = tenant_query!(self, execute, SESSIONS, person)?;
        let ended = self.ended(person, ended)?;
        self.publish(Topic::People, person.0);
        let entry = self.entry(&proof)?;
        self.record_both(entry, ended).await
    }
}
