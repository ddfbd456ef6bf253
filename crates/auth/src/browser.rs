//! Browser sessions of a request: who is signed in, and how far an incomplete sign-in has come (M-14).
use crate::sessions::{HOLDER, Holder};
use domain::{Actor, BrowserSessionId, Principal, role::TenantRole};
use std::time::Duration;
use store::{BrowserSessionRow, Store, system};
use tower_sessions::Session;

/// A person who is signed in with a browser.
#[derive(Clone, Debug)]
pub struct Browser {
    pub actor: Actor,
    pub session: BrowserSessionId,
    /// The name of the tenant, if the deployment has several.
    pub tenant: Option<String>,
    pub(crate) holder: Holder,
}

/// A person who has not presented a required second factor; only the operations that complete the sign-in accept them.
#[derive(Clone, Debug)]
pub struct IncompleteSignIn {
    pub browser: Browser,
    pub stage: Stage,
}

/// The stage of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    SignedOut,
    /// The person has a second factor and has not presented it.
    VerifyFactor,
    /// The person must have a second factor and has none.
    EnrollFactor,
    Complete,
}

/// The requirement of a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactor {
    /// Optional, unless the tenant requires it.
    Off,
    /// Admins of tenants.
    Admins,
    Everybody,
}

impl SecondFactor {
    /// Returns whether this person must have a second factor.
    pub(crate) fn is_required_of(self, person: &system::Holder) -> bool {
        person.everybody
            || match self {
                Self::Off => false,
                Self::Admins => person.tenant_role == TenantRole::Admin,
                Self::Everybody => true,
            }
    }

    /// Returns the stage of a session. Computed for every request, so that a changed rule applies at once.
    fn stage(self, holder: &Holder, person: &system::Holder) -> Stage {
        match (holder.second_factor_verified, person.has_factor) {
            (true, _) => Stage::Complete,
            (false, true) => Stage::VerifyFactor,
            (false, false) if self.is_required_of(person) => Stage::EnrollFactor,
            (false, false) => Stage::Complete,
        }
    }
}

impl Browser {
    /// Returns whether the session was not ended.
    pub async fn is_open(&self, store: &Store) -> bool {
        match store.read(&self.actor).await {
            Ok(mut read) => read.own_browser_session(self.session).await.is_ok_and(|own| own.is_some()),
            Err(_) => false,
        }
    }

    /// Returns whether the session is still open and the rights of its person are unchanged. Streams check this periodically.
    pub async fn still_valid(&self, store: &Store, idle: Duration, second_factor: SecondFactor) -> bool {
        let mut read = match store.read(&self.actor).await {
            Ok(read) => read,
            Err(_) => return false,
        };
        let now = store.now();
        // An open stream does not count as use of its session, so people who only watch are signed out like idle ones.
        let lasts = |session: &BrowserSessionRow| session.expires_at > now && session.last_used_at > now.before(idle);
        let open = read.own_browser_session(self.session).await.is_ok_and(|own| own.as_ref().is_some_and(lasts));
        drop(read); // holding one connection while waiting for another can deadlock the pool
        let person = store.system().holder(self.holder.tenant, self.holder.person).await;
        open && person.is_ok_and(|person| {
            second_factor.stage(&self.holder, &person) == Stage::Complete
                && (person.tenant_role, &person.roles) == (self.actor.tenant_role, &self.actor.roles)
        })
    }
}

/// Finds the holder of the session at any stage, and rotates the session id when that is due. `step_up` is how long a proof of
/// identity stays fresh.
///
/// # Errors
/// Fails if the session cannot be read.
pub async fn identify(
    session: &Session,
    store: &Store,
    second_factor: SecondFactor,
    step_up: Duration,
    address: Option<String>,
) -> Result<Option<IncompleteSignIn>, tower_sessions::session::Error> {
    if session.id().is_none() {
        return Ok(None);
    }
    let found: Option<Holder> = session.get(HOLDER).await?;
    let Some((holder, person)) = found.and_then(|mut holder| holder.who.take().map(|person| (holder, person))) else {
        return Ok(None);
    };
    if holder.next_id.is_some() {
        session.cycle_id().await?;
    }
    let (stage, tenant) = (second_factor.stage(&holder, &person), person.tenant.clone());
    let fresh = store.now().since(holder.authenticated_at) < step_up;
    let actor = actor(&holder, person, address, fresh);
    Ok(Some(IncompleteSignIn { browser: Browser { actor, session: holder.session, tenant, holder }, stage }))
}

pub(crate) fn actor(holder: &Holder, person: system::Holder, address: Option<String>, fresh: bool) -> Actor {
    Actor {
        tenant: holder.tenant,
        principal: Principal::Person(holder.person),
        name: person.name,
        email: Some(person.email),
        tenant_role: person.tenant_role,
        roles: person.roles,
        scopes: None,
        only: None,
        admin_blocked: false,
        by: holder.by,
        authenticated_at: holder.authenticated_at,
        fresh,
        address,
        key_prefix: None,
    }
}
