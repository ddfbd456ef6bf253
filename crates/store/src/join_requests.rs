//! Join requests: people ask to join an organization that accepts requests, and its owners decide.
use crate::{
    Conflict, Error, Read, Result, Topic, Write,
    db::{
        column::{Number, row_type},
        conn::tenant_query,
        id::new_id,
        insert::insert,
    },
    memberships::PersonIdRow,
};
use domain::{
    Allowed, JoinRequestId, OrganizationId, PersonId, Timestamp,
    account::AccountNotice,
    joining::JoinState,
    policy::{AcceptJoinRequest, DeclineJoinRequest, RequestMembership, SetAcceptsJoinRequests, WithdrawJoinRequest},
};
use std::time::Duration;

/// Maximum number of requests per person and day, because each one notifies the owners.
const MAX_REQUESTS_PER_DAY: i64 = 5;

row_type! {
    /// A join request that waits for an owner's decision.
    pub struct JoinRequest {
        pub id: JoinRequestId,
        pub person_id: PersonId,
        pub name: String,
        pub email: String,
        /// The reason that the person gave.
        pub reason: String,
        pub created_at: Timestamp,
    }
}

row_type! {
    /// One of the actor's own join requests.
    pub struct OwnJoinRequest {
        pub id: JoinRequestId,
        pub organization: String,
        pub state: JoinState,
        /// The reason for declining it.
        pub answer: String,
        pub created_at: Timestamp,
        pub settled_at: Option<Timestamp>,
    }
}

row_type! {
    /// An organization that accepts join requests.
    pub struct JoinableOrganization {
        pub id: OrganizationId,
        pub name: String,
    }
}

row_type! {
    /// An organization with the number of join requests that wait for the actor's decision.
    pub struct WaitingJoinRequests {
        pub organization_id: OrganizationId,
        pub organization: String,
        pub n: i64,
    }
}

row_type! {
    pub struct RequestingOrganization {
        pub name: String,
    }
}

row_type! {
    pub struct JoinRequestState {
        pub state: JoinState,
        pub organization_id: OrganizationId,
    }
}

impl Read {
    /// Returns organizations that accept requests and in which the actor is neither a member nor waits, by name.
    pub async fn joinable_organizations(&mut self) -> Result<Vec<JoinableOrganization>> {
        let Some(person) = self.actor.person().filter(|_| self.actor.only.is_none()) else { return Ok(vec![]) };
        tenant_query!(
            self,
            JoinableOrganization,
            fetch_all,
            "select o.id, o.name from organization o where o.tenant_id = $1 and o.open_to_requests and o.archived_at is null
                and not exists (select 1 from membership m
                    where m.tenant_id = $1 and m.organization_id = o.id and m.person_id = $2)
                and not exists (select 1 from join_request j
                    where j.tenant_id = $1 and j.organization_id = o.id and j.person_id = $2 and j.state = 'waiting')
             order by o.name limit 500",
            person
        )
    }

    /// Returns the actor's own requests, newest first.
    pub async fn own_join_requests(&mut self) -> Result<Vec<OwnJoinRequest>> {
        let person = self.viewer();
        tenant_query!(
            self,
            OwnJoinRequest,
            fetch_all,
            "select j.id, o.name as organization, j.state, j.answer, j.created_at, j.settled_at from join_request j
             join organization o on o.tenant_id = j.tenant_id and o.id = j.organization_id
             where j.tenant_id = $1 and j.person_id = $2 order by j.id desc limit 10",
            person
        )
    }

    /// Returns the waiting requests of an organization, oldest first, for actors who manage it or can read everything.
    pub async fn join_requests(&mut self, organization: OrganizationId) -> Result<Vec<JoinRequest>> {
        self.require_manager(organization)?;
        tenant_query!(
            self,
            JoinRequest,
            fetch_all,
            "select j.id, j.person_id, p.name, p.email, j.reason, j.created_at from join_request j
             join person p on p.tenant_id = j.tenant_id and p.id = j.person_id
             where j.tenant_id = $1 and j.organization_id = $2 and j.state = 'waiting' order by j.id limit 200",
            organization
        )
    }

    /// Returns the organizations owned by the actor in which requests wait.
    pub async fn join_requests_for_me(&mut self) -> Result<Vec<WaitingJoinRequests>> {
        let person = self.viewer();
        tenant_query!(
            self,
            WaitingJoinRequests,
            fetch_all,
            "select o.id as organization_id, o.name as organization, count(*) as n from membership m
             join join_request j on j.tenant_id = m.tenant_id and j.organization_id = m.organization_id and j.state = 'waiting'
             join organization o on o.tenant_id = m.tenant_id and o.id = m.organization_id
             where m.tenant_id = $1 and m.person_id = $2 and m.role = 'owner' and o.archived_at is null
             group by o.id, o.name order by o.name limit 100",
            person
        )
    }
}

impl Write {
    /// Sets whether an organization accepts requests; waiting ones remain.
    pub async fn set_accepts_join_requests(&mut self, proof: Allowed<SetAcceptsJoinRequests>) -> Result<()> {
        const SQL: &str = "update organization set open_to_requests = $3 where tenant_id = $1 and id = $2";
        let &SetAcceptsJoinRequests { organization, open } = proof.action();
        if tenant_query!(self, execute, SQL, organization, open)? == 0 {
            return Err(Error::NotFound);
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        if open {
            self.require_not_archived(organization).await?;
        }
        self.publish(Topic::People, organization.0);
        Ok(())
    }

    /// Requests to join an organization and notifies its owners. An organization that accepts no requests is not found.
    pub async fn request_membership(&mut self, proof: Allowed<RequestMembership>) -> Result<JoinRequestId> {
        let RequestMembership { organization, person, reason } = proof.action();
        let (organization, person, reason) = (*organization, *person, domain::joining::reason(reason)?);
        const OPEN: &str = "select name from organization where tenant_id = $1 and id = $2 and open_to_requests
             and archived_at is null";
        let name = tenant_query!(self, RequestingOrganization, fetch_one, OPEN, organization)?.name;
        const MEMBER: &str = "select count(*) as n from membership where tenant_id = $1 and organization_id = $2
             and person_id = $3";
        if tenant_query!(self, Number, fetch_one, MEMBER, organization, person)?.n > 0 {
            return Err(Error::Conflict(Conflict::AlreadyMember));
        }
        const REQUESTS_TODAY: &str = "select count(*) as n from join_request where tenant_id = $1 and person_id = $2
             and created_at > $3";
        let day = self.now.before(Duration::from_hours(24));
        if tenant_query!(self, Number, fetch_one, REQUESTS_TODAY, person, day)?.n >= MAX_REQUESTS_PER_DAY {
            return Err(Error::Conflict(Conflict::TooManyJoinRequests));
        }
        let id = JoinRequestId(new_id());
        let inserted = insert!(self, "join_request" {
            id: id,
            organization_id: organization,
            person_id: person,
            reason: reason,
            state: JoinState::Waiting,
            answer: String::new(),
            created_at: self.now,
        },
            "on conflict (tenant_id, organization_id, person_id) where state = 'waiting' do nothing"
        )?;
        if inserted == 0 {
            return Err(Error::Conflict(Conflict::JoinRequestExists));
        }
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        self.require_not_archived(organization).await?;
        let owners = tenant_query!(
            self,
            PersonIdRow,
            fetch_all,
            "select m.person_id from membership m join person p on p.tenant_id = m.tenant_id and p.id = m.person_id
             where m.tenant_id = $1 and m.organization_id = $2 and m.role = 'owner' and p.responsible_id is null
                and p.locked_at is null order by m.person_id limit 50",
            organization
        )?;
        let asks = format!("{} · {name}", self.actor.name);
        for owner in owners {
            self.notify_person(owner.person_id, AccountNotice::JoinRequested, &asks).await?;
        }
        self.publish(Topic::People, organization.0);
        Ok(id)
    }

    /// Withdraws one of the actor's own requests.
    pub async fn withdraw_join_request(&mut self, proof: Allowed<WithdrawJoinRequest>) -> Result<()> {
        let &WithdrawJoinRequest { request, person } = proof.action();
        const SQL: &str = "update join_request set state = state where tenant_id = $1 and id = $2 and person_id = $3
             returning state, organization_id";
        let found = tenant_query!(self, JoinRequestState, fetch_one, SQL, request, person)?;
        self.close_request(request, found.organization_id, JoinState::Withdrawn, "").await?;
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        Ok(())
    }

    /// Accepts a request and notifies the person.
    pub async fn accept_join_request(&mut self, proof: Allowed<AcceptJoinRequest>) -> Result<()> {
        let &AcceptJoinRequest { request, organization, role } = proof.action();
        let person = self.close_request(request, organization, JoinState::Accepted, "").await?;
        let managers = self.managers().await?;
        let joined = self.join(organization, person, role).await?;
        self.rotate_session_tokens(person).await?;
        let mut entry = self.entry(&proof)?.with_detail("person", serde_json::json!(person));
        if joined {
            let maker = self.maker();
            entry = self.raise_new_member(organization, person, role, &maker, &managers, entry).await?;
        }
        self.record(entry).await?;
        self.require_not_archived(organization).await?;
        let name = self.organization_name(organization).await?;
        self.notify_person(person, AccountNotice::JoinAccepted, &name).await
    }

    /// Declines a request and notifies the person. The reason is shown only on their organizations page: text written by
    /// people is never put into mail that this server sends.
    pub async fn decline_join_request(&mut self, proof: Allowed<DeclineJoinRequest>) -> Result<()> {
        let DeclineJoinRequest { request, organization, reason } = proof.action();
        let reason = domain::joining::refusal(reason)?;
        let person = self.close_request(*request, *organization, JoinState::Declined, &reason).await?;
        let entry = self.entry(&proof)?.with_detail("person", serde_json::json!(person));
        self.record(entry).await?;
        let name = self.organization_name(*organization).await?;
        let who = self.actor.name.clone();
        self.notify_person(person, AccountNotice::JoinDeclined, &format!("{name} · {who}")).await
    }

    /// Closes a waiting request and returns who made it. Of two concurrent decisions only one succeeds.
    async fn close_request(
        &mut self,
        request: JoinRequestId,
        organization: OrganizationId,
        state: JoinState,
        answer: &str,
    ) -> Result<PersonId> {
        const FOUND: &str =
            "update join_request set state = state where tenant_id = $1 and id = $2 and organization_id = $3
             returning state, organization_id";
        if tenant_query!(self, JoinRequestState, fetch_one, FOUND, request, organization)?.state != JoinState::Waiting {
            return Err(Error::Conflict(Conflict::JoinRequestSettled));
        }
        let settled = tenant_query!(
            self,
            PersonIdRow,
            fetch_one,
            "update join_request set state = $3, answer = $4, settled_at = $5 where tenant_id = $1 and id = $2
             returning person_id",
            request,
            state,
            answer.to_owned(),
            self.now
        )?;
        self.publish(Topic::People, organization.0);
        Ok(settled.person_id)
    }

    /// Closes the waiting request of a person who became a member by any means.
    pub(crate) async fn close_requests_of_member(
        &mut self,
        organization: OrganizationId,
        person: PersonId,
    ) -> Result<()> {
        tenant_query!(
            self,
            execute,
            "update join_request set state = 'accepted', settled_at = $4
             where tenant_id = $1 and organization_id = $2 and person_id = $3 and state = 'waiting'",
            organization,
            person,
            self.now
        )?;
        Ok(())
    }
}
