//! Requests for confirmation (D-04): while a tenant has two admins or owners, one of them confirms the changes by which another makes an
//! approver or gains access to the account of one.
use crate::{
    Conflict, Error, MailedLink, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
        id::new_id,
        insert::insert,
    },
    dual_control::{ConfirmedChange, Maker, Managers},
};
use domain::{
    Actor, Allowed, ConfirmationId, OrganizationId, PersonId, Principal, Timestamp,
    account::AccountNotice,
    audit::{Entry, Outcome},
    confirmation::{ConfirmationState, LIFETIME, ProtectedChange},
    policy::{
        ChangeRules, ConfirmChange, DeclineChange, IssuePasswordLink, ReplaceAddress, ResetFactors, SetDualControl,
        SetMembership, SetSelfApproval, SetTenantRole,
    },
    role::{Role, TenantRole},
};
use serde_json::json;

/// Maximum number of waiting requests per requester.
const MAX_OPEN: i64 = 20;

row_type! {
    /// A waiting request for confirmation.
    pub struct Confirmation {
        pub id: ConfirmationId,
        pub change: ProtectedChange,
        /// The name of the person concerned; none for a setting.
        pub person: Option<String>,
        pub requester_id: PersonId,
        pub requester: String,
        pub created_at: Timestamp,
        pub expires_at: Timestamp,
    }
}

row_type! {
    pub struct OpenConfirmation {
        pub change: ProtectedChange,
        pub state: ConfirmationState,
        pub expires_at: Timestamp,
    }
}

row_type! {
    pub struct ConfirmationKey {
        pub id: ConfirmationId,
    }
}

row_type! {
    /// A person with one of their roles, if any.
    pub struct RequesterRow {
        pub name: String,
        pub tenant_role: TenantRole,
        pub organization_id: Option<OrganizationId>,
        pub role: Option<Role>,
    }
}

impl Confirmation {
    /// Returns the action that confirms this request.
    pub fn confirm_action(&self) -> ConfirmChange {
        ConfirmChange {
            request: self.id,
            requester: self.requester_id,
            person: self.change.person(),
            organization: self.change.organization(),
        }
    }

    /// Returns the action that declines or withdraws this request.
    pub fn decline_action(&self) -> DeclineChange {
        DeclineChange { request: self.id, requester: self.requester_id, organization: self.change.organization() }
    }
}

/// Selects the waiting requests that the actor sees at `$4`: admins and auditors all (`$3`), others their own and those about memberships of
/// their organizations.
macro_rules! visible {
    () => {
        "select c.id, c.change, p.name as person, c.requester_id, r.name as requester, c.created_at, c.expires_at
         from confirmation c join person r on r.tenant_id = c.tenant_id and r.id = c.requester_id
         left join person p on p.tenant_id = c.tenant_id and p.id = c.person_id
         where c.tenant_id = $1 and c.state = 'waiting' and c.expires_at > $4
            and ($3 or c.requester_id = $2 or c.organization_id in (select m.organization_id from membership m
                where m.tenant_id = $1 and m.person_id = $2 and m.role = 'owner'))"
    };
}

impl Read {
    /// Returns the waiting requests for confirmation that the actor sees, oldest first; none for API keys.
    pub async fn confirmations(&mut self) -> Result<Vec<Confirmation>> {
        if self.actor.key().is_some() {
            return Ok(vec![]);
        }
        let (person, everything, now) = (self.viewer(), self.actor.can_read_everything(), self.store.now());
        const SQL: &str = concat!(visible!(), " order by c.id limit 200");
        tenant_query!(self, Confirmation, fetch_all, SQL, person, everything, now)
    }

    /// Returns a waiting request for confirmation that the actor sees.
    pub async fn confirmation(&mut self, id: ConfirmationId) -> Result<Confirmation> {
        if self.actor.key().is_some() {
            return Err(Error::NotFound);
        }
        let (person, everything, now) = (self.viewer(), self.actor.can_read_everything(), self.store.now());
        const SQL: &str = concat!(visible!(), " and c.id = $5");
        tenant_query!(self, Confirmation, fetch_one, SQL, person, everything, now, id)
    }
}

impl Write {
    /// Returns whether a change waits for confirmation, and then opens the request for it. `managers` are those before the change. To be
    /// called before the first audit event, and after [`Write::lock_confirmation`] if rows of the change are locked before.
    pub(crate) async fn awaits_confirmation(
        &mut self,
        change: ProtectedChange,
        by: &Maker,
        managers: &Managers,
    ) -> Result<bool> {
        let is_confirmed = self.confirmed.as_ref().is_some_and(|confirmed| confirmed.change == change);
        let Some(requester) = by.id.filter(|_| !is_confirmed) else { return Ok(false) };
        let mut confirmers = managers.confirmers(&change, requester);
        if confirmers.is_empty() || !self.approval_policy().await?.dual_control {
            return Ok(false);
        }
        let expired = tenant_query!(
            self,
            ConfirmationKey,
            fetch_all,
            "update confirmation set state = 'expired', settled_at = $3
             where tenant_id = $1 and change = $2 and state = 'waiting' and expires_at <= $3 returning id",
            change.clone(),
            self.now
        )?;
        const OPEN: &str =
            "select count(*) as n from confirmation where tenant_id = $1 and requester_id = $2 and state = 'waiting'";
        if tenant_query!(self, Number, fetch_one, OPEN, requester)?.n >= MAX_OPEN {
            return Err(Error::Conflict(Conflict::TooManyConfirmations));
        }
        let (id, person) = (ConfirmationId(new_id()), change.person());
        let opened = insert!(self, "confirmation" {
            id: id,
            change: change.clone(),
            person_id: person,
            organization_id: change.organization(),
            requester_id: requester,
            state: ConfirmationState::Waiting,
            created_at: self.now,
            expires_at: self.now.after(LIFETIME),
        },
            "on conflict (tenant_id, change) where state = 'waiting' do nothing"
        )?;
        if opened == 0 {
            return Err(Error::Conflict(Conflict::ConfirmationExists));
        }
        let mut entries = self.expiry_events(&expired)?;
        let target = ("confirmation", id.to_string());
        let detail = json!({ "change": recorded(&change), "requester": requester });
        entries.push(self.event("confirmation.request", target, Outcome::Done, detail)?);
        self.record_all(entries).await?;
        confirmers.push(requester);
        self.announce(AccountNotice::ConfirmationRequested, person, by, confirmers).await?;
        self.publish(Topic::People, id.0);
        Ok(true)
    }

    /// Locks the waiting request for a change, if there is one. All transactions lock in this order (request for confirmation, rows of
    /// people and memberships, audit log); another order could deadlock.
    pub(crate) async fn lock_confirmation(&mut self, change: &ProtectedChange) -> Result<()> {
        const SQL: &str =
            "update confirmation set state = state where tenant_id = $1 and change = $2 and state = 'waiting'";
        tenant_query!(self, execute, SQL, change.clone())?;
        Ok(())
    }

    /// Confirms a request and applies its change with the present rights of its requester. `link` is used if the change sends or
    /// shows one. Returns the change, and a conflict if the actor is on hold with the requester: they may be one person.
    pub async fn confirm_change(
        &mut self,
        proof: Allowed<ConfirmChange>,
        link: MailedLink<'_>,
    ) -> Result<ProtectedChange> {
        let &ConfirmChange { request, requester, person, organization } = proof.action();
        let open = self.settle_confirmation(request, requester, ConfirmationState::Confirmed).await?;
        let change = open.change;
        if (change.person(), change.organization()) != (person, organization) {
            return Err(Error::NotFound);
        }
        self.require_independence([Some(requester), None, None]).await?;
        let actor = self.requester_actor(requester).await?;
        let entry = self.entry(&proof)?.with_detail("change", recorded(&change));
        self.confirmed = Some(ConfirmedChange { change: change.clone(), requester, name: actor.name.clone() });
        let lost = |_| Error::Conflict(Conflict::RequesterLostRights);
        match change.clone() {
            ProtectedChange::Membership { organization, person, role } => {
                let allowed = actor.may(SetMembership { organization, person, role }).map_err(lost)?;
                self.set_membership(allowed).await?;
            }
            ProtectedChange::TenantRole { person, tenant_role } => {
                let allowed = actor.may(SetTenantRole { person, tenant_role }).map_err(lost)?;
                self.set_tenant_role(allowed).await?;
            }
            ProtectedChange::PasswordLink { person } => {
                let allowed = actor.may(IssuePasswordLink { person }).map_err(lost)?;
                self.issue_password_link(allowed, link.token_hash).await?;
            }
            ProtectedChange::FactorsReset { person } => {
                let allowed = actor.may(ResetFactors { person }).map_err(lost)?;
                self.reset_factors(allowed).await?;
            }
            ProtectedChange::Address { person, email } => {
                let allowed = actor.may(ReplaceAddress { person, email }).map_err(lost)?;
                self.replace_address(allowed, link).await?;
            }
            ProtectedChange::AllowSelfApproval => {
                let allowed = actor.may(SetSelfApproval { allowed: true }).map_err(lost)?;
                self.set_self_approval(allowed).await?;
            }
            ProtectedChange::DisableDualControl => {
                let allowed = actor.may(SetDualControl { enabled: false }).map_err(lost)?;
                self.set_dual_control(allowed).await?;
            }
            ProtectedChange::LoosenRules { version, digest } => {
                let rules = self.proposed_rules(digest).await?;
                let allowed = actor.may(ChangeRules { rules, version }).map_err(lost)?;
                self.change_rules(allowed).await?;
            }
        }
        self.confirmed = None;
        self.record(entry).await?;
        Ok(change)
    }

    /// Declines a request, or withdraws one's own.
    pub async fn decline_change(&mut self, proof: Allowed<DeclineChange>) -> Result<()> {
        let &DeclineChange { request, requester, organization } = proof.action();
        let state = match self.actor.person() == Some(requester) {
            true => ConfirmationState::Withdrawn,
            false => ConfirmationState::Declined,
        };
        let change = self.settle_confirmation(request, requester, state).await?.change;
        if change.organization() != organization {
            return Err(Error::NotFound);
        }
        let entry = self.entry(&proof)?.with_detail("change", recorded(&change)).with_detail("state", json!(state));
        self.record(entry).await?;
        let mut readers = self.managers().await?.confirmers(&change, requester);
        readers.push(requester);
        let by = self.actor_as_maker();
        self.announce(AccountNotice::ConfirmationDeclined, change.person(), &by, readers).await
    }

    /// Withdraws the waiting requests about a person, or by them, in an organization that they leave; without an organization, all of them.
    /// Returns the audit events. Called before rows of the person or their membership are locked.
    pub(crate) async fn withdraw_confirmations(
        &mut self,
        person: PersonId,
        organization: Option<OrganizationId>,
    ) -> Result<Vec<Entry>> {
        let mut open = tenant_query!(
            self,
            ConfirmationKey,
            fetch_all,
            "select c.id from confirmation c where c.tenant_id = $1 and c.person_id = $2 and c.state = 'waiting'
                and ($3 is null or c.organization_id = $3)
             union all select c.id from confirmation c where c.tenant_id = $1 and c.requester_id = $2 and c.state = 'waiting'
                and ($3 is null or c.organization_id = $3)",
            person,
            organization
        )?;
        open.sort_by_key(|request| request.id);
        self.withdraw_all(open).await
    }

    /// Withdraws these requests, in the order of their ids: every transaction locks several in this order.
    pub(crate) async fn withdraw_all(&mut self, open: Vec<ConfirmationKey>) -> Result<Vec<Entry>> {
        let mut entries = vec![];
        for ConfirmationKey { id } in open {
            const SQL: &str = "update confirmation set state = 'withdrawn', settled_at = $3
                where tenant_id = $1 and id = $2 and state = 'waiting'";
            if tenant_query!(self, execute, SQL, id, self.now)? > 0 {
                let (target, state) =
                    (("confirmation", id.to_string()), json!({ "state": ConfirmationState::Withdrawn }));
                entries.push(self.event("confirmation.decline", target, Outcome::Done, state)?);
                self.publish(Topic::People, id.0);
            }
        }
        Ok(entries)
    }

    /// Closes expired requests and returns their number.
    pub(crate) async fn expire_confirmations(&mut self) -> Result<usize> {
        let expired = tenant_query!(
            self,
            ConfirmationKey,
            fetch_all,
            "update confirmation set state = 'expired', settled_at = $2
             where tenant_id = $1 and state = 'waiting' and id in (select id from confirmation
                where tenant_id = $1 and state = 'waiting' and expires_at <= $2 order by id limit 500) returning id",
            self.now
        )?;
        let entries = self.expiry_events(&expired)?;
        self.record_all(entries).await?;
        Ok(expired.len())
    }

    fn expiry_events(&mut self, expired: &[ConfirmationKey]) -> Result<Vec<Entry>> {
        let mut entries = vec![];
        for request in expired {
            let target = ("confirmation", request.id.to_string());
            entries.push(self.event("confirmation.expire", target, Outcome::Done, json!({}))?);
            self.publish(Topic::People, request.id.0);
        }
        Ok(entries)
    }

    /// Closes a waiting request. Of two concurrent answers only one succeeds.
    async fn settle_confirmation(
        &mut self,
        request: ConfirmationId,
        requester: PersonId,
        state: ConfirmationState,
    ) -> Result<OpenConfirmation> {
        // The update locks the row.
        let open = tenant_query!(
            self,
            OpenConfirmation,
            fetch_one,
            "update confirmation set state = state where tenant_id = $1 and id = $2 and requester_id = $3
             returning change, state, expires_at",
            request,
            requester
        )?;
        if open.state != ConfirmationState::Waiting || open.expires_at <= self.now {
            return Err(Error::Conflict(Conflict::ConfirmationSettled));
        }
        let person = self.actor.person();
        tenant_query!(
            self,
            execute,
            "update confirmation set state = $3, settled_at = $4, settled_by = $5 where tenant_id = $1 and id = $2",
            request,
            state,
            self.now,
            person
        )?;
        self.publish(Topic::People, request.0);
        Ok(open)
    }

    /// Returns the requester with their present rights.
    async fn requester_actor(&mut self, requester: PersonId) -> Result<Actor> {
        let rows = tenant_query!(
            self,
            RequesterRow,
            fetch_all,
            "select p.name, p.tenant_role, m.organization_id, m.role from person p
             left join membership m on m.tenant_id = p.tenant_id and m.person_id = p.id
             where p.tenant_id = $1 and p.id = $2 and p.locked_at is null",
            requester
        )?;
        let Some(first) = rows.first() else { return Err(Error::Conflict(Conflict::RequesterLostRights)) };
        let mut actor = Actor::clock(self.tenant, self.now);
        actor.principal = Principal::Person(requester);
        (actor.name, actor.tenant_role) = (first.name.clone(), first.tenant_role);
        actor.roles = rows.iter().filter_map(|row| row.organization_id.zip(row.role)).collect();
        Ok(actor)
    }
}

/// Returns a change for the audit log, without the new address.
fn recorded(change: &ProtectedChange) -> serde_json::Value {
    match change {
        ProtectedChange::Address { person, .. } => json!({ "change": "address", "person": person }),
        other => json!(other),
    }
}
