//! Approval requests: the queue, decisions, and the state that follows from them.

pub(crate) mod conditions;
mod counts;
mod deciders;

pub use deciders::Decider;

use crate::{
    Conflict, Error, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
        filter::{Arg, Page, Statement},
        id::new_id,
        insert::insert,
    },
    metrics::Occurrence,
    passkeys::{PublicKeyRow, deciders_passkeys},
};
use cose::CoseKeys;
use domain::{
    Action, Allowed, ApprovalId, OrganizationId, PersonId, Principal, TaskId, TenantId, Timestamp,
    approval::{Answer, ApprovalState, Requesters},
    consent::Subject,
    network::NetworkPolicy,
    notification::Notification,
    passkey::{Assertion, PasskeyDecision, TrustedPasskeys},
    policy::Decide,
    request::RequestDigest,
    task::{TaskState, Tool},
};
use serde_json::json;
use std::time::Duration;

row_type! {
    pub struct Approval {
        pub id: ApprovalId,
        pub task_id: TaskId,
        pub title: String,
        pub tool: Tool,
        pub network: NetworkPolicy,
        pub organization_id: OrganizationId,
        pub organization: String,
        pub requester_id: PersonId,
        pub requester: String,
        /// The responsible person at submission, if the requester is a service account.
        pub first_responsible_id: Option<PersonId>,
        /// The present responsible person.
        pub responsible_id: Option<PersonId>,
        /// The creator of the API key that submitted the task, if any.
        pub key_creator_id: Option<PersonId>,
        pub request_digest: RequestDigest,
        /// Whether the tenant lets people decide their own request.
        pub self_approval: bool,
        /// Until when the actor does not decide requests of this requester, if they are on hold.
        pub held_until: Option<Timestamp>,
        /// Whether the actor has decided it since it was opened, with a decision that counts.
        pub has_decided: bool,
        pub rule: String,
        /// Number of required approvals.
        pub needed: u32,
        /// Number of approvals that count.
        pub given: u32,
        /// Whether each approval must be confirmed with the approver's passkey.
        pub requires_passkey: bool,
        pub state: ApprovalState,
        pub created_at: Timestamp,
        pub expires_at: Timestamp,
        pub settled_at: Option<Timestamp>,
    }
}

/// A decision as people see it.
#[derive(Clone, Debug)]
pub struct Decision {
    pub person_id: PersonId,
    pub person: String,
    pub answer: Answer,
    pub reason: String,
    pub created_at: Timestamp,
    pub evidence: DecisionEvidence,
    /// Whether this person requested it, is responsible for the requester, or created the key.
    pub is_own: bool,
}

/// What shows that the approver made a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecisionEvidence {
    /// Only the signature of the server.
    Server,
    /// An assertion of the approver's passkey of this name, which was verified.
    Passkey(String),
    /// An assertion of a passkey that was removed, so that it cannot be verified any more.
    RemovedPasskey,
    /// An assertion that does not confirm the decision: it was changed outside Castellan.
    Invalid,
}

row_type! {
    pub struct DecisionRow {
        pub approval_id: ApprovalId,
        pub request_digest: RequestDigest,
        pub person_id: PersonId,
        pub person: String,
        pub answer: Answer,
        pub reason: String,
        pub created_at: Timestamp,
        pub assertion: Option<String>,
        pub is_own: bool,
    }
}

impl DecisionRow {
    fn evidence(&self, tenant: TenantId, task: TaskId, passkeys: &[PublicKeyRow]) -> DecisionEvidence {
        let Some(text) = &self.assertion else { return DecisionEvidence::Server };
        let Ok(assertion) = text.parse::<Assertion>() else { return DecisionEvidence::Invalid };
        let own = passkeys.iter().filter(|passkey| passkey.person_id == self.person_id);
        let used = own.into_iter().find(|passkey| passkey.credential_id == assertion.credential_id.0);
        let Some(used) = used else { return DecisionEvidence::RemovedPasskey };
        let statement = PasskeyDecision {
            tenant,
            subject: Subject::Task(task),
            approval: self.approval_id,
            request: self.request_digest,
            approver: self.person_id,
            answer: self.answer,
        };
        match assertion.check(&statement, &used.passkey(tenant), &CoseKeys) {
            Ok(()) => DecisionEvidence::Passkey(used.name.clone()),
            Err(_) => DecisionEvidence::Invalid,
        }
    }
}

impl Approval {
    pub const fn requesters(&self) -> Requesters {
        Requesters {
            requester: self.requester_id,
            responsible: [self.first_responsible_id, self.responsible_id],
            key_creator: self.key_creator_id,
        }
    }

    /// Returns the action that decides this approval request. `request` is the digest that the approver was shown.
    pub const fn decide_action(&self, answer: Answer, reason: String, request: RequestDigest) -> Decide {
        Decide {
            approval: self.id,
            task: self.task_id,
            organization: self.organization_id,
            requesters: self.requesters(),
            self_approval: self.self_approval,
            held_until: self.held_until,
            answer,
            reason,
            request,
            network: self.network,
            requires_passkey: self.requires_passkey,
            assertion: None,
        }
    }
}

/// Time before the end of an approval request at which its approvers are reminded, at most a quarter of its lifetime.
const REMINDER: Duration = Duration::from_hours(1);

/// Filter for approval requests.
#[derive(Clone, Debug, Default)]
pub struct ApprovalFilter {
    pub state: Option<ApprovalState>,
    pub organization: Option<OrganizationId>,
}

/// Whether the actor sees request `a`: its requester, its approvers, and people who can read everything.
macro_rules! visible {
    () => {
        concat!(
            "(a.requester_id = $2 or $3 or a.organization_id in (select m.organization_id from membership m
            where m.tenant_id = $1 and m.person_id = $2 and ",
            $crate::role_sql::is_approver!(),
            "))"
        )
    };
}

pub(crate) use visible;

/// Selects the requests that the policy lets `$2` decide at `$4` ([`Decide`]): not their own (unless `$own`, and the tenant allows it), none
/// that a hold keeps them from, and none that they have decided. It starts from their organizations, so that requests elsewhere cost
/// nothing.
macro_rules! waiting_for_me {
    ($column:literal, $own:literal) => {
        concat!(
            "select ",
            $column,
            " from membership m cross join approval a cross join task t cross join person p
             where m.tenant_id = $1 and m.person_id = $2 and ",
            $crate::role_sql::is_approver!(),
            " and a.tenant_id = $1 and a.organization_id = m.organization_id and a.state = 'waiting'
                and t.tenant_id = $1 and t.id = a.task_id and p.tenant_id = $1 and p.id = a.requester_id
                and (not ",
            conditions::is_own!("$2"),
            " or (",
            $own,
            " and t.self_approval)) and not ",
            conditions::has_decided!(),
            " and ",
            $crate::holds::held_until!(
                "$2",
                "a.requester_id, t.responsible_id, p.responsible_id, t.key_creator_id",
                "$4"
            ),
            " is null"
        )
    };
}

/// Selects approval requests as `$2` sees them at `$4`; see [`visible`] for `$3`.
macro_rules! columns {
    () => {
        concat!(
            "select a.id, a.task_id, t.title, t.tool, t.network, a.organization_id, o.name as organization, a.requester_id,
                p.name as requester, t.responsible_id as first_responsible_id, p.responsible_id, t.key_creator_id, a.request_digest, ",
            conditions::allows_own!(),
            " as self_approval, ",
            $crate::holds::held_until!("$2", "a.requester_id, t.responsible_id, p.responsible_id, t.key_creator_id", "$4"),
            " as held_until, ",
            conditions::has_decided!(),
            " as has_decided, a.rule, a.needed,
                (select count(*) from decision d where d.tenant_id = a.tenant_id and d.approval_id = a.id and ",
            conditions::counts!(),
            ") as given,
                a.requires_passkey, a.state, a.created_at, a.expires_at, a.settled_at
             from approval a left join task t on t.tenant_id = a.tenant_id and t.id = a.task_id
             left join organization o on o.tenant_id = a.tenant_id and o.id = a.organization_id
             left join person p on p.tenant_id = a.tenant_id and p.id = a.requester_id
             where a.tenant_id = $1 and ",
            visible!()
        )
    };
}

impl Read {
    /// Returns approval requests that the actor sees, newest first, with ids below `after`.
    pub async fn approvals(
        &mut self,
        filter: &ApprovalFilter,
        after: Option<ApprovalId>,
        limit: u32,
    ) -> Result<Page<Approval>> {
        let everything = Arg::Bool(self.actor.can_read_everything());
        let now = Arg::Int(self.store.now().0);
        let mut statement =
            Statement::new(columns!(), vec![Arg::Uuid(self.tenant.0), Arg::Uuid(self.viewer().0), everything, now]);
        if let Some(OrganizationId(only)) = self.actor.only {
            statement.push(" and a.organization_id = ?", Arg::Uuid(only));
        }
        if let Some(state) = filter.state {
            statement.push(" and a.state = ?", Arg::Text(state.to_string()));
        }
        if let Some(OrganizationId(id)) = filter.organization {
            statement.push(" and a.organization_id = ?", Arg::Uuid(id));
        }
        if let Some(ApprovalId(id)) = after {
            statement.push(" and a.id < ?", Arg::Uuid(id));
        }
        statement.push(" order by a.id desc limit ?", Arg::Int(i64::from(limit) + 1));
        let rows = statement.fetch(&mut self.conn).await?;
        Ok(Page::cut(rows, limit, |row: &Approval| row.id.to_string()))
    }

    /// Returns the number of requests that the actor can decide, up to 100.
    pub async fn approvals_waiting_for_me(&mut self) -> Result<i64> {
        self.require_unlimited_key()?;
        if !self.actor.has_scope(Decide::SCOPE) {
            return Ok(0);
        }
        let (person, now, own) = (self.viewer(), self.store.now(), self.decides_own_requests().await?);
        let counted = tenant_query!(
            self,
            Number,
            fetch_one,
            concat!("select count(*) as n from (", waiting_for_me!("1", "$3"), " limit 100) counted"),
            person,
            own,
            now
        )?;
        Ok(counted.n)
    }

    /// Returns the requests that the actor can decide, oldest first; see [`Read::approvals_waiting_for_me`].
    pub async fn approvals_for_me(&mut self, limit: u32) -> Result<Vec<Approval>> {
        self.require_unlimited_key()?;
        if !self.actor.has_scope(Decide::SCOPE) {
            return Ok(vec![]);
        }
        let (person, everything) = (self.viewer(), self.actor.can_read_everything());
        let (now, own) = (self.store.now(), self.decides_own_requests().await?);
        tenant_query!(
            self,
            Approval,
            fetch_all,
            concat!(columns!(), " and a.id in (", waiting_for_me!("a.id", "$5"), ") order by a.id limit $6"),
            person,
            everything,
            now,
            own,
            limit
        )
    }

    /// Returns whether the tenant lets the actor decide their own requests; see [`domain::policy::Decide`].
    async fn decides_own_requests(&mut self) -> Result<bool> {
        Ok(matches!(self.actor.principal, Principal::Person(_)) && self.approval_policy().await?.self_approval)
    }

    /// Returns one approval request.
    pub async fn approval(&mut self, id: ApprovalId) -> Result<Approval> {
        let (person, everything, now) = (self.viewer(), self.actor.can_read_everything(), self.store.now());
        const SQL: &str = concat!(columns!(), " and a.id = $5");
        let found = tenant_query!(self, Approval, fetch_one, SQL, person, everything, now, id)?;
        self.require_key_access(found.organization_id)?;
        Ok(found)
    }

    /// Returns the approval request of a task if there is one and the actor sees it.
    pub async fn approval_of(&mut self, task: TaskId) -> Result<Option<Approval>> {
        let (person, everything, now) = (self.viewer(), self.actor.can_read_everything(), self.store.now());
        const SQL: &str = concat!(columns!(), " and a.task_id = $5");
        let found = tenant_query!(self, Approval, fetch_optional, SQL, person, everything, now, task)?;
        Ok(found.filter(|found| self.actor.reaches(found.organization_id)))
    }

    /// Returns the decisions on a task that the actor sees, oldest first.
    pub async fn decisions(&mut self, task: TaskId) -> Result<Vec<Decision>> {
        self.progress(task).await?;
        let rows = tenant_query!(
            self,
            DecisionRow,
            fetch_all,
            concat!(
                "select d.approval_id, a.request_digest, d.person_id, n.name as person, d.answer, d.reason, d.created_at, d.assertion, ",
                conditions::is_own!("d.person_id"),
                " as is_own
                 from decision d
                 join approval a on a.tenant_id = d.tenant_id and a.id = d.approval_id
                 join task t on t.tenant_id = a.tenant_id and t.id = a.task_id
                 join person p on p.tenant_id = a.tenant_id and p.id = a.requester_id
                 join person n on n.tenant_id = d.tenant_id and n.id = d.person_id
                 where d.tenant_id = $1 and a.task_id = $2 order by d.created_at limit 20"
            ),
            task
        )?;
        let approval = rows.iter().find(|row| row.assertion.is_some()).map(|row| row.approval_id);
        let passkeys = match approval {
            Some(approval) => tenant_query!(self, PublicKeyRow, fetch_all, deciders_passkeys!(), approval)?,
            None => vec![],
        };
        let decision = |row: DecisionRow| Decision {
            evidence: row.evidence(self.tenant, task, &passkeys),
            person_id: row.person_id,
            person: row.person,
            answer: row.answer,
            reason: row.reason,
            created_at: row.created_at,
            is_own: row.is_own,
        };
        Ok(rows.into_iter().map(decision).collect())
    }
}

row_type! {
    /// A person and an approval request that they are about to decide.
    pub struct Standing {
        pub first_responsible_id: Option<PersonId>,
        pub responsible_id: Option<PersonId>,
        pub key_creator_id: Option<PersonId>,
        pub self_approval: bool,
        pub has_decided: bool,
    }
}

impl Standing {
    fn requesters(&self, requester: PersonId) -> Requesters {
        let responsible = [self.first_responsible_id, self.responsible_id];
        Requesters { requester, responsible, key_creator: self.key_creator_id }
    }
}

row_type! {
    /// The row that a decision is checked against.
    pub struct LockedApproval {
        pub task_id: TaskId,
        pub organization_id: OrganizationId,
        pub requester_id: PersonId,
        pub request_digest: RequestDigest,
        /// Number of required approvals.
        pub needed: u32,
        pub requires_passkey: bool,
        pub state: ApprovalState,
        pub expires_at: Timestamp,
    }
}

row_type! {
    /// A waiting request that is to be closed.
    pub struct WaitingApproval {
        pub id: ApprovalId,
        pub task_id: TaskId,
    }
}

impl Write {
    /// Opens the approval request of a task, or opens it again. Decisions that were made before stay.
    pub(crate) async fn open_approval(
        &mut self,
        task: TaskId,
        organization: OrganizationId,
        requester: PersonId,
        digest: RequestDigest,
        rule: &str,
        needed: u32,
        hours: u32,
        requires_passkey: bool,
    ) -> Result<()> {
        let lifetime = Duration::from_hours(hours.into());
        let expires_at = self.now.after(lifetime);
        let reminder_at = expires_at.before(REMINDER.min(lifetime / 4));
        let reopened = tenant_query!(
            self,
            WaitingApproval,
            fetch_optional,
            "update approval set state = 'waiting', rule = $3, needed = $4, created_at = $5, expires_at = $6, requires_passkey = $7,
                settled_at = null, reminder_at = $8
             where tenant_id = $1 and task_id = $2 returning id, task_id",
            task,
            rule.to_owned(),
            needed,
            self.now,
            expires_at,
            requires_passkey,
            reminder_at
        )?;
        if let Some(request) = reopened {
            self.notify(Notification::ApprovalRequested, request.id.0);
            self.publish(Topic::Approvals, request.id.0);
            return Ok(());
        }
        let id = ApprovalId(new_id());
        insert!(self, "approval" {
            id: id,
            task_id: task,
            organization_id: organization,
            requester_id: requester,
            request_digest: digest,
            rule: rule.to_owned(),
            needed: needed,
            requires_passkey: requires_passkey,
            state: ApprovalState::Waiting,
            created_at: self.now,
            expires_at: expires_at,
            reminder_at: reminder_at,
        })?;
        self.notify(Notification::ApprovalRequested, id.0);
        self.publish(Topic::Approvals, id.0);
        Ok(())
    }

    /// Records a decision. It is a conflict if the request is closed, expired, changed or already decided by this person.
    pub async fn decide(&mut self, proof: Allowed<Decide>) -> Result<ApprovalState> {
        let person = self.actor.person().ok_or(Error::Conflict(Conflict::DeciderNotAPerson))?;
        let &Decide { approval, task, organization, requesters, answer, request, ref reason, ref assertion, .. } =
            proof.action();
        // The update locks the row, so that concurrent decisions are ordered.
        let open = tenant_query!(
            self,
            LockedApproval,
            fetch_one,
            "update approval set state = state where tenant_id = $1 and id = $2
             returning task_id, organization_id, requester_id, request_digest, needed, requires_passkey, state, expires_at",
            approval
        )?;
        if (open.task_id, open.organization_id, open.requester_id) != (task, organization, requesters.requester) {
            return Err(Error::NotFound);
        }
        match open.state {
            ApprovalState::Waiting if open.expires_at > self.now => {}
            ApprovalState::Waiting | ApprovalState::Expired => {
                return Err(Error::Conflict(Conflict::ApprovalExpired));
            }
            ApprovalState::Approved => return Err(Error::Conflict(Conflict::ApprovalApproved)),
            ApprovalState::Denied => return Err(Error::Conflict(Conflict::ApprovalDenied)),
            ApprovalState::Withdrawn => {
                return Err(Error::Conflict(Conflict::ApprovalWithdrawn));
            }
        }
        // The policy saw data from before this transaction: the responsible person, the setting or a hold may have changed since.
        let standing = self.standing(approval, person).await?;
        let requesters = standing.requesters(open.requester_id);
        let is_own = requesters.includes(person);
        if is_own && !standing.self_approval {
            return Err(Error::Conflict(match Some(person) {
                person if requesters.responsible.contains(&person) => Conflict::DeciderIsResponsible,
                person if requesters.key_creator == person => Conflict::DeciderCreatedKey,
                _ => Conflict::DeciderIsRequester,
            }));
        }
        let [requester, first_responsible, responsible, key_creator] = requesters.people();
        for makers in [[requester, responsible, key_creator], [first_responsible, None, None]] {
            if self.held_until(person, makers).await?.is_some() {
                return Err(Error::Conflict(Conflict::DeciderOnHold));
            }
        }
        if open.request_digest != request {
            return Err(Error::Conflict(Conflict::RequestChanged));
        }
        let judged = self.judged_task(task).await?;
        if standing.has_decided {
            return Err(Error::Conflict(Conflict::AlreadyDecided));
        }
        let signed = self.sign_decision(&judged, approval, person, answer, reason, assertion.clone());
        if let Some(assertion) = assertion {
            let trusted = TrustedPasskeys::new(self.passkeys_of(person).await?, &CoseKeys);
            signed.statement.verify_passkey(&trusted).map_err(|_| Error::Conflict(Conflict::PasskeyRefused))?;
            self.note_passkey_use(person, &assertion.credential_id).await?;
        } else if open.requires_passkey && answer == Answer::Approve {
            return Err(Error::Conflict(Conflict::RequestChanged)); // the policy saw the request before it was opened again
        }
        insert!(self, "decision" {
            approval_id: approval,
            person_id: person,
            answer: answer,
            reason: reason.clone(),
            created_at: self.now,
            rules_version: signed.statement.rules_version,
            assertion: assertion.as_ref().map(ToString::to_string),
            credential_id: assertion.as_ref().map(|assertion| assertion.credential_id.0.clone()),
            signature: signed.signature.0.to_vec(),
        },
            // A decision from before the request was opened again, or one that does not count, is repeated.
            "on conflict (tenant_id, approval_id, person_id) do update set answer = excluded.answer, reason = excluded.reason,
                created_at = excluded.created_at, rules_version = excluded.rules_version, assertion = excluded.assertion,
                credential_id = excluded.credential_id, signature = excluded.signature"
        )?;
        let state = match answer {
            Answer::Deny => ApprovalState::Denied,
            Answer::Approve => {
                let counting = self.counting_approvals(&judged).await?;
                let counting = counting.map_err(|_| Error::Conflict(Conflict::NotAsSigned))?;
                let counting = counting.demanded(open.requires_passkey);
                match counting.len() >= usize::try_from(open.needed).unwrap_or(usize::MAX) {
                    true => ApprovalState::Approved,
                    false => ApprovalState::Waiting,
                }
            }
        };
        match state {
            ApprovalState::Denied => {
                self.close_approval(approval, state).await?;
                self.change_state(task, TaskState::AwaitingApproval, TaskState::Denied, None).await?;
            }
            ApprovalState::Approved => {
                self.close_approval(approval, state).await?;
                self.change_state(task, TaskState::AwaitingApproval, TaskState::Queued, None).await?;
            }
            _ => {}
        }
        let mut entry = self.entry(&proof)?.with_detail("state", json!(state));
        if is_own {
            entry = entry.with_detail("own_request", json!(true));
        }
        self.record(entry).await?;
        self.count(Occurrence::Decision(answer));
        self.require_not_archived(organization).await?;
        self.publish(Topic::Approvals, approval.0);
        Ok(state)
    }

    async fn standing(&mut self, approval: ApprovalId, person: PersonId) -> Result<Standing> {
        tenant_query!(
            self,
            Standing,
            fetch_one,
            concat!(
                "select t.responsible_id as first_responsible_id, p.responsible_id, t.key_creator_id, ",
                conditions::allows_own!(),
                " as self_approval, ",
                conditions::has_decided!(),
                " as has_decided
                 from approval a join task t on t.tenant_id = a.tenant_id and t.id = a.task_id
                 join person p on p.tenant_id = a.tenant_id and p.id = a.requester_id where a.tenant_id = $1 and a.id = $3"
            ),
            person,
            approval
        )
    }

    /// Closes an approval request and returns whether it was waiting.
    async fn close_approval(&mut self, approval: ApprovalId, state: ApprovalState) -> Result<bool> {
        let closed = tenant_query!(
            self,
            execute,
            "update approval set state = $3, settled_at = $4, reminder_at = null where tenant_id = $1 and id = $2 and state = 'waiting'",
            approval,
            state,
            self.now
        )?;
        if closed > 0 {
            self.notify(Notification::ApprovalDecided, approval.0);
        }
        self.publish(Topic::Approvals, approval.0);
        Ok(closed > 0)
    }

    /// Locks the approval request of a task before the task itself. All transactions lock in this order (approval request,
    /// task, audit log); another order could deadlock.
    pub(crate) async fn lock_approval(&mut self, task: TaskId) -> Result<()> {
        const SQL: &str = "update approval set state = state where tenant_id = $1 and task_id = $2";
        tenant_query!(self, execute, SQL, task)?;
        Ok(())
    }

    /// Withdraws the approval request of a canceled task.
    pub(crate) async fn withdraw_approval(&mut self, task: TaskId) -> Result<()> {
        let waiting = tenant_query!(
            self,
            WaitingApproval,
            fetch_all,
            "select id, task_id from approval where tenant_id = $1 and task_id = $2 and state = 'waiting'",
            task
        )?;
        for request in waiting {
            self.close_approval(request.id, ApprovalState::Withdrawn).await?;
        }
        Ok(())
    }

    /// Notifies the approvers of requests that expire soon.
    pub(crate) async fn remind_approvers(&mut self) -> Result<()> {
        let due = tenant_query!(
            self,
            WaitingApproval,
            fetch_all,
            "update approval set reminder_at = null where tenant_id = $1 and id in (select a.id from approval a
                where a.tenant_id = $1 and a.reminder_at <= $2 order by a.reminder_at limit 500) returning id, task_id",
            self.now
        )?;
        due.iter().for_each(|request| self.notify(Notification::ApprovalExpiring, request.id.0));
        Ok(())
    }

    /// Closes overdue approval requests as expired and returns their number.
    pub async fn expire_approvals(&mut self) -> Result<usize> {
        self.conn.lift_deadline().await?;
        let mut due = tenant_query!(
            self,
            WaitingApproval,
            fetch_all,
            "select id, task_id from approval where tenant_id = $1 and state = 'waiting' and expires_at <= $2 limit 500",
            self.now
        )?;
        due.sort_by_key(|request| request.task_id); // every transaction locks several tasks in this order
        let mut entries = vec![];
        for request in due {
            // Another transaction may have closed it since the query.
            if self.close_approval(request.id, ApprovalState::Expired).await? {
                self.change_state(request.task_id, TaskState::AwaitingApproval, TaskState::Expired, None).await?;
                self.count(Occurrence::ApprovalExpired);
                entries.push(self.state_change_event(
                    request.task_id,
                    "approval.expire",
                    json!({ "approval": request.id }),
                )?);
            }
        }
        let expired = entries.len();
        self.record_all(entries).await?;
        Ok(expired)
    }
}
