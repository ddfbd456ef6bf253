//! The few statements that look across tenants, each with its reason. Everything else goes through [`crate::Read`] and [`crate::Write`].
use crate::{
    Error, Event, NewSession, Result, Session, Store, TaskFilter, Topic,
    column::{Number, record},
    conn::{Conn, random, unscoped},
    events,
};
use domain::{
    Actor, Email, KeyId, OrganisationId, PersonId, RunnerId, SessionId, TenantId, Timestamp,
    audit::GENESIS,
    role::{Role, TenantRole},
    rule::Rules,
    scope::Scopes,
    text,
};
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

/// What looks across tenants.
#[derive(Clone, Copy, Debug)]
pub struct System<'a>(&'a Store);

impl Store {
    /// For signing in, the command line and what is due: before a tenant is known, or in all of them.
    pub fn system(&self) -> System<'_> {
        System(self)
    }
}

record! {
    /// A tenant.
    pub struct Tenant {
        /// Its id.
        pub id: TenantId,
        /// What people call it.
        pub name: String,
        /// When it was made.
        pub created_at: Timestamp,
    }
}

record! {
    /// What signing in with a password needs.
    pub struct Credential {
        /// The person's tenant.
        pub tenant_id: TenantId,
        /// The person.
        pub id: PersonId,
        /// The password's hash (Argon2, PHC form), if one was set.
        pub password_hash: Option<String>,
    }
}

record! {
    /// A person as an actor is made of.
    pub struct Holder {
        /// What people call them.
        pub name: String,
        /// Their address.
        pub email: Email,
        /// What they are in the tenant.
        pub tenant_role: TenantRole,
    }
}

record! {
    /// A role.
    pub struct RoleRow {
        /// Where.
        pub organisation_id: OrganisationId,
        /// As what.
        pub role: Role,
    }
}

record! {
    /// A key as a request finds it.
    pub struct KeyHolder {
        /// Its tenant.
        pub tenant_id: TenantId,
        /// Its id.
        pub id: KeyId,
        /// Whose it is.
        pub owner_id: PersonId,
        /// What people call it.
        pub name: String,
        /// What it may do.
        pub scopes: Scopes,
        /// When it was last used, to a minute.
        pub last_used_at: Option<Timestamp>,
    }
}

record! {
    /// Where a one-time token leads.
    pub struct Place {
        /// The tenant.
        pub tenant_id: TenantId,
        /// The person, the enrolment or the runner.
        pub id: Uuid,
    }
}

record! {
    /// When the next thing is due.
    pub struct DueAt {
        /// Microseconds since the epoch.
        pub at: Option<Timestamp>,
    }
}

record! {
    /// Something sealed.
    pub struct Sealed {
        /// Nonce and ciphertext.
        pub sealed: Vec<u8>,
    }
}

/// How exactly "last used" is kept: more would be a write for every request.
const LAST_USED: Duration = Duration::from_mins(1);

/// How long a session's former token still opens it.
const UNDER_WAY: Duration = Duration::from_secs(10);

impl System<'_> {
    pub(crate) async fn read(&self) -> Result<Conn> {
        let mut conn = self.0.begin_read().await?;
        across(&mut conn).await?;
        Ok(conn)
    }

    pub(crate) async fn write(&self) -> Result<Conn> {
        let mut conn = self.0.begin_write().await?;
        across(&mut conn).await?;
        Ok(conn)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// M-06: the master key must open what it sealed at the first start. Nobody's rows: there is one of them.
    pub(crate) async fn check_key(&self) -> Result<()> {
        const PLACE: &str = "system/key_check/sealed/1/1";
        let mut conn = self.write().await?;
        // Of several nodes that start at once on a new database the first decides.
        let sql = "insert into key_check (id, sealed) values (1, $1) on conflict (id) do nothing";
        unscoped!(conn, execute, sql, self.0.key().seal(PLACE, b"castellan")?)?;
        let check = unscoped!(conn, Sealed, fetch_one, "select sealed from key_check where id = 1")?;
        conn.commit().await?;
        match self.0.key().open(PLACE, &check.sealed) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Unusable(
                "the master key is not the one that this database was made with. Put back data/secrets/master.key, or set \
                 CASTELLAN_ENCRYPTION_KEY to the right key; nothing was changed."
                    .into(),
            )),
        }
    }

    /// All tenants, oldest first: for the console, and to start their local runners.
    pub async fn tenants(&self) -> Result<Vec<Tenant>> {
        let mut conn = self.read().await?;
        unscoped!(conn, Tenant, fetch_all, "select id, name, created_at from tenant order by id limit 10000")
    }

    /// Makes a tenant with its chain, its data key and the rules that it starts with.
    pub async fn create_tenant(&self, name: &str) -> Result<TenantId> {
        let (mut conn, id) = (self.write().await?, TenantId(Uuid::now_v7()));
        self.insert_tenant(&mut conn, id, name).await?;
        self.commit_tenant(conn, id).await
    }

    async fn commit_tenant(&self, conn: Conn, id: TenantId) -> Result<TenantId> {
        let event = Event { tenant: id, topic: Topic::People, id: id.0 };
        events::commit(conn, vec![event]).await?;
        Ok(id)
    }

    async fn insert_tenant(&self, conn: &mut Conn, id: TenantId, name: &str) -> Result<()> {
        let name = text::name("tenant", name, 80)?;
        let wrapped = self.0.key().seal(&format!("{id}/tenant_key/wrapped/{id}/1"), &random::<32>()?)?;
        let rules = serde_json::to_string(&Rules::default()).map_err(|_| Error::Corrupt("rules"))?;
        unscoped!(
            *conn,
            execute,
            "insert into tenant (id, name, created_at) values ($1, $2, $3)",
            id,
            name,
            self.now()
        )?;
        unscoped!(
            *conn,
            execute,
            "insert into tenant_key (tenant_id, version, wrapped) values ($1, 1, $2)",
            id,
            wrapped
        )?;
        unscoped!(*conn, execute, "insert into rules (tenant_id, version, body) values ($1, 1, $2)", id, rules)?;
        unscoped!(*conn, execute, "insert into audit_head (tenant_id, seq, hash) values ($1, 0, $2)", id, GENESIS)?;
        Ok(())
    }

    /// Whether anybody was made yet: the first start ends with the first person.
    pub async fn is_empty(&self) -> Result<bool> {
        let mut conn = self.read().await?;
        let people =
            unscoped!(conn, Number, fetch_one, "select count(*) as n from (select 1 from person limit 1) one")?;
        Ok(people.n == 0)
    }

    /// Replaces the set-up link; there is one at a time.
    pub async fn offer_setup(&self, token_hash: [u8; 32], expires_at: Timestamp) -> Result<()> {
        let mut conn = self.write().await?;
        unscoped!(conn, execute, "delete from setup_link where expires_at <> 0")?;
        unscoped!(
            conn,
            execute,
            "insert into setup_link (token_hash, expires_at) values ($1, $2)",
            token_hash,
            expires_at
        )?;
        conn.commit().await
    }

    /// Whether a set-up token opens anything now.
    pub async fn may_set_up(&self, token_hash: [u8; 32]) -> Result<bool> {
        let (mut conn, now) = (self.read().await?, self.now());
        let sql = "select count(*) as n from setup_link where token_hash = $1 and expires_at > $2";
        let found = unscoped!(conn, Number, fetch_one, sql, token_hash, now)?;
        Ok(found.n > 0)
    }

    /// Uses the set-up link up and makes the first tenant, or none: of two who use it at once one comes too late.
    /// There is no tenant yet to be within.
    pub async fn use_setup(&self, token_hash: [u8; 32], tenant: &str) -> Result<TenantId> {
        let (mut conn, id, now) = (self.write().await?, TenantId(Uuid::now_v7()), self.now());
        let sql = "delete from setup_link where token_hash = $1 and expires_at > $2";
        if unscoped!(conn, execute, sql, token_hash, now)? == 0 {
            return Err(Error::NotFound);
        }
        self.insert_tenant(&mut conn, id, tenant).await?;
        self.commit_tenant(conn, id).await
    }

    /// Whom an address belongs to: signing in does not name a tenant.
    pub async fn credential(&self, email: &Email) -> Result<Option<Credential>> {
        let mut conn = self.read().await?;
        let sql = "select tenant_id, id, password_hash from person where email = $1";
        unscoped!(conn, Credential, fetch_optional, sql, email.clone())
    }

    /// What a person is now, for an actor: asked at every request, so that a change of rights counts at once.
    pub async fn holder(&self, tenant: TenantId, person: PersonId) -> Result<(Holder, BTreeMap<OrganisationId, Role>)> {
        let mut conn = self.read().await?;
        let sql = "select name, email, tenant_role from person where tenant_id = $1 and id = $2";
        let holder = unscoped!(conn, Holder, fetch_one, sql, tenant, person)?;
        let sql = "select organisation_id, role from membership where tenant_id = $1 and person_id = $2";
        let roles = unscoped!(conn, RoleRow, fetch_all, sql, tenant, person)?;
        Ok((holder, roles.into_iter().map(|row| (row.organisation_id, row.role)).collect()))
    }

    /// The session that a cookie opens: the cookie names no tenant. One that is too old or idle for longer than `idle` is none.
    pub async fn session(&self, token_hash: [u8; 32], idle: Duration) -> Result<Option<Session>> {
        let (mut conn, now) = (self.read().await?, self.now());
        unscoped!(
            conn,
            Session,
            fetch_optional,
            "select tenant_id, id, person_id, signed_in_by, created_at, last_used_at, expires_at, rotate, data from session
             where (token_hash = $1 or (previous_hash = $1 and rotated_at > $4)) and expires_at > $2 and last_used_at > $3",
            token_hash,
            now,
            now.before(idle),
            now.before(UNDER_WAY)
        )
    }

    /// Notes that a session is in use, to a minute. Never makes one (E11).
    pub async fn touch_session(&self, session: &Session) -> Result<()> {
        let now = self.now();
        if now.since(session.last_used_at) < LAST_USED {
            return Ok(());
        }
        let mut conn = self.write().await?;
        let sql = "update session set last_used_at = $3 where tenant_id = $1 and id = $2";
        unscoped!(conn, execute, sql, session.tenant_id, session.id, now)?;
        conn.commit().await
    }

    /// Gives a session another token; `false` when it ended meanwhile, or somebody else did so first (E11).
    /// The old one opens it for ten seconds more, for requests that are under way.
    pub async fn rotate_session(&self, tenant: TenantId, id: SessionId, new_hash: [u8; 32]) -> Result<bool> {
        let (mut conn, now) = (self.write().await?, self.now());
        let sql = "update session set previous_hash = token_hash, token_hash = $3, rotate = false, rotated_at = $4
             where tenant_id = $1 and id = $2 and rotate";
        let rotated = unscoped!(conn, execute, sql, tenant, id, new_hash, now)?;
        conn.commit().await?;
        Ok(rotated > 0)
    }

    /// Stores what the session layer keeps in a session that still exists. Never makes one (E11).
    pub async fn save_session(&self, token_hash: [u8; 32], data: &str) -> Result<bool> {
        let mut conn = self.write().await?;
        let sql = "update session set data = $2 where token_hash = $1";
        let saved = unscoped!(conn, execute, sql, token_hash, data.to_owned())?;
        conn.commit().await?;
        Ok(saved > 0)
    }

    /// Ends a session by its token; says whose it was. Sessions whose time is up go with it.
    pub async fn delete_session(&self, token_hash: [u8; 32]) -> Result<()> {
        let (mut conn, now) = (self.write().await?, self.now());
        let sql = "delete from session where token_hash = $1 or previous_hash = $1 or expires_at <= $2";
        unscoped!(conn, execute, sql, token_hash, now)?;
        conn.commit().await
    }

    /// Opens a session in the tenant that signing in found.
    pub async fn open_session(&self, actor: &Actor, new: NewSession) -> Result<()> {
        let mut write = self.0.write(actor).await?;
        write.open_session(new).await?;
        write.commit().await
    }

    /// The key that a bearer token is: the token names no tenant.
    pub async fn key(&self, token_hash: [u8; 32]) -> Result<Option<KeyHolder>> {
        let (mut conn, now) = (self.read().await?, self.now());
        unscoped!(
            conn,
            KeyHolder,
            fetch_optional,
            "select tenant_id, id, owner_id, name, scopes, last_used_at from api_key
             where token_hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)",
            token_hash,
            now
        )
    }

    /// Notes that a key is in use.
    pub async fn touch_key(&self, key: &KeyHolder) -> Result<()> {
        let now = self.now();
        if key.last_used_at.is_some_and(|at| now.since(at) < LAST_USED) {
            return Ok(());
        }
        let mut conn = self.write().await?;
        let sql = "update api_key set last_used_at = $3 where tenant_id = $1 and id = $2";
        unscoped!(conn, execute, sql, key.tenant_id, key.id, now)?;
        conn.commit().await
    }

    /// Whose password a one-time link sets.
    pub async fn password_link(&self, token_hash: [u8; 32]) -> Result<Option<Place>> {
        let (mut conn, now) = (self.read().await?, self.now());
        let sql = "select tenant_id, person_id as id from password_link where token_hash = $1 and expires_at > $2";
        unscoped!(conn, Place, fetch_optional, sql, token_hash, now)
    }

    /// Which enrolment a runner's token is, whether or not it still works.
    pub async fn enrolment(&self, token_hash: [u8; 32]) -> Result<Option<Place>> {
        let mut conn = self.read().await?;
        unscoped!(conn, Place, fetch_optional, "select tenant_id, id from enrolment where token_hash = $1", token_hash)
    }

    /// The name of an active runner with this certificate, asked on every call: a certificate alone is not enough (E13).
    pub async fn runner_name(&self, tenant: TenantId, runner: RunnerId, serial: &str) -> Result<Option<String>> {
        let (mut conn, now) = (self.read().await?, self.now());
        let found = unscoped!(
            conn,
            Named,
            fetch_optional,
            "select name from runner where tenant_id = $1 and id = $2 and serial = $3 and revoked_at is null and expires_at > $4",
            tenant,
            runner,
            serial.to_owned(),
            now
        )?;
        Ok(found.map(|runner| runner.name))
    }

    /// When the next approval or lease ends, in whatever tenant.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        let mut conn = self.read().await?;
        let approvals =
            unscoped!(conn, DueAt, fetch_one, "select min(expires_at) as at from approval where state = 'waiting'")?;
        let leases = unscoped!(
            conn,
            DueAt,
            fetch_one,
            "select min(lease_until) as at from task where state in ('assigned', 'running')"
        )?;
        Ok([approvals.at, leases.at].into_iter().flatten().min())
    }

    /// Does what is due in every tenant: expires approvals, gives tasks of silent runners back to the queue.
    pub async fn do_due(&self) -> Result<()> {
        for tenant in self.tenants().await? {
            let mut write = self.0.write(&Actor::clock(tenant.id, self.now())).await?;
            write.expire_approvals().await?;
            write.release_expired().await?;
            write.commit().await?;
        }
        Ok(())
    }

    /// Tenants with something to run, for the dispatcher's start.
    pub async fn tenants_with_queue(&self) -> Result<Vec<TenantId>> {
        let mut busy = vec![];
        for tenant in self.tenants().await? {
            let filter = TaskFilter { states: vec![domain::task::TaskState::Queued], ..TaskFilter::default() };
            let mut read = self.0.read(&Actor::console(tenant.id, self.now())).await?;
            if !read.tasks(&filter, None, 1).await?.items.is_empty() {
                busy.push(tenant.id);
            }
        }
        Ok(busy)
    }
}

record! {
    /// What something is called.
    pub struct Named {
        /// Its name.
        pub name: String,
    }
}

/// Tells PostgreSQL's row-level security that this transaction looks across tenants.
async fn across(conn: &mut Conn) -> Result<()> {
    if let Conn::Postgres(tx) = conn {
        sqlx::query("select set_config('castellan.system', 'on', true)").execute(&mut **tx).await?;
    }
    Ok(())
}
