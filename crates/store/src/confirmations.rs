//! Requests for confirmation (D-04): while a tenant has two admins or owners, one of them confirms the changes by which another makes an
//! approver or gains access to the account of one.
use crate::{
    Conflict, Error, MailedLink, Read, Result, Topic, Write,
    db::{column::row_type, conn::tenant_query, id::new_id, insert::insert},
    dual_control::{ConfirmedChange, Maker, Managers},
};
use domain::{
    Actor, Allowed, ConfirmationId, OrganizationId, PersonId, Principal, SignedInBy, Timestamp,
    account::AccountNotice,
    audit::Outcome,
    confirmation::{ConfirmationState, LIFETIME, ProtectedChange},
    policy::{
        ConfirmChange, DeclineChange, IssuePasswordLink, ReplaceAddress, ResetFactors, SetMembership, SetSecondPerson,
        SetSelfApproval, SetTenantRole,
    },
    role::{Role, TenantRole},
};
use serde_json::json;

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
    pub struct ExpiredConfirmation {
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
        ConfirmChange { request: self.id, requester: self.requester_id, person: self.change.person() }
    }
}

impl Read {
    /// Returns the waiting requests for confirmation, oldest first, for admins, auditors and owners.
    pub async fn confirmations(&mut self) -> Result<Vec<Confirmation>> {
        let manages = self.actor.key().is_none() && self.actor.manages_anything();
        if !manages && !self.actor.can_read_everything() {
            return Ok(vec![]);
        }
        let now = self.store.now();
        tenant_query!(
            self,
            Confirmation,
            fetch_all,
            "select c.id, c.change, p.name as person, c.requester_id, r.name as requester, c.created_at, c.expires_at
             from confirmation c join person r on r.tenant_id = c.tenant_id and r.id = c.requester_id
             left join person p on p.tenant_id = c.tenant_id and p.id = c.person_id
             where c.tenant_id = $1 and c.state = 'waiting' and c.expires_at > $2 order by c.id limit 200",
            now
        )
    }
}

impl Write {
    /// Returns whether a change waits for confirmation, and then opens the request for it. `managers` are those before the change.
    pub(crate) async fn awaits_confirmation(
        &mut self,
        change: ProtectedChange,
        by: &Maker,
        managers: &Managers,
    ) -> Result<bool> {
        let has_valid_passkey = self.confirmed.as_ref().is_some_and(|confirmed| confirmed.change == change);
        let Some(requester) = by.id.filter(|_| !has_valid_passkey) else { return Ok(false) };
        // Somebody has to be there who is neither the requester nor the person concerned.
        let has_other = managers.ids().any(|id| id != requester && Some(id) != change.person());
        if !has_other || !self.approval_policy().await?.second_person {
            return Ok(false);
        }
        self.expire_confirmations().await?;
        let (id, person) = (ConfirmationId(new_id()), change.person());
        let opened = insert!(self, "confirmation" {
            id: id,
            change: change.clone(),
            person_id: person,
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
        let target = ("confirmation", id.to_string());
        let detail = json!({ "change": recorded(&change), "requester": requester });
        self.note("confirmation.request", target, Outcome::Done, detail).await?;
        self.announce(AccountNotice::ConfirmationRequested, person, by, managers).await?;
        self.publish(Topic::People, id.0);
        Ok(true)
    }

    /// Confirms a request and applies its change with the present rights of its requester. `link` is used if the change sends or
    /// shows one. Returns the change.
    pub async fn confirm_change(
        &mut self,
        proof: Allowed<ConfirmChange>,
        link: MailedLink<'_>,
    ) -> Result<ProtectedChange> {
        let &ConfirmChange { request, requester, person } = proof.action();
        let open = self.settle_confirmation(request, requester, ConfirmationState::Confirmed).await?;
        let change = open.change;
        if change.person() != person {
            return Err(Error::NotFound);
        }
        let actor = self.requester_actor(requester).await?;
        let entry = self.entry(&proof)?.with_detail("change", recorded(&change));
        self.confirmed = Some(ConfirmedChange {
            change: change.clone(),
            requester: Maker { id: Some(requester), name: actor.name.clone() },
        });
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
            ProtectedChange::AllowSingleAdmin => {
                let allowed = actor.may(SetSecondPerson { required: false }).map_err(lost)?;
                self.set_second_person(allowed).await?;
            }
        }
        self.confirmed = None;
        self.record(entry).await?;
        Ok(change)
    }

    /// Declines a request, or withdraws one's own.
    pub async fn decline_change(&mut self, proof: Allowed<DeclineChange>) -> Result<()> {
        let &DeclineChange { request, requester } = proof.action();
        let state = match self.actor.person() == Some(requester) {
            true => ConfirmationState::Withdrawn,
            false => ConfirmationState::Declined,
        };
        let change = self.settle_confirmation(request, requester, state).await?.change;
        let entry = self.entry(&proof)?.with_detail("change", recorded(&change)).with_detail("state", json!(state));
        self.record(entry).await?;
        let (managers, by) = (self.managers().await?, self.actor_as_maker());
        self.announce(AccountNotice::ConfirmationDeclined, change.person(), &by, &managers).await
    }

    /// Closes lapsed requests and returns their number.
    pub(crate) async fn expire_confirmations(&mut self) -> Result<usize> {
        let expired = tenant_query!(
            self,
            ExpiredConfirmation,
            fetch_all,
            "update confirmation set state = 'expired', settled_at = $2
             where tenant_id = $1 and state = 'waiting' and expires_at <= $2 returning id",
            self.now
        )?;
        for request in &expired {
            let target = ("confirmation", request.id.to_string());
            self.note("confirmation.expire", target, Outcome::Done, json!({})).await?;
            self.publish(Topic::People, request.id.0);
        }
        Ok(expired.len())
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
        (actor.principal, actor.by) = (Principal::Person(requester), SignedInBy::Password);
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
