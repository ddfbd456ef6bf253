//! Memberships: roles of people in an organization, which always keeps an owner.
use crate::{
    Applied, Conflict, Error, Result, Topic, Write,
    db::{column::row_type, conn::tenant_query},
    dual_control::{Maker, Managers},
};
use domain::{
    Allowed, OrganizationId, PersonId, account::AccountChange, audit::Entry, confirmation::ProtectedChange,
    policy::SetMembership, role::Role,
};
use serde_json::json;

row_type! {
    pub struct PersonIdRow {
        pub person_id: PersonId,
    }
}

row_type! {
    pub struct RoleRow {
        pub role: Role,
    }
}

impl Write {
    /// Adds a person to an organization or changes their role. Their sessions get new tokens. In an archived organization
    /// roles can be lowered and removed but not raised. A new approver or owner may have to be confirmed.
    pub async fn set_membership(&mut self, proof: Allowed<SetMembership>) -> Result<Applied> {
        let &SetMembership { organization, person, role } = proof.action();
        let change = ProtectedChange::Membership { organization, person, role };
        if role >= Role::Approver {
            self.lock_confirmation(&change).await?;
        }
        self.keep_last_owner(organization, person, Some(role)).await?;
        // The update locks the row, so the role cannot change in between.
        const LOCK_ROLE: &str = "update membership set role = role where tenant_id = $1 and organization_id = $2
             and person_id = $3 returning role";
        let held = tenant_query!(self, RoleRow, fetch_optional, LOCK_ROLE, organization, person)?;
        let becomes_approver = role >= Role::Approver && held.as_ref().is_none_or(|held| held.role < role);
        if self.confirmed.is_some() && !becomes_approver {
            return Err(Error::Conflict(Conflict::ConfirmationOutdated));
        }
        let (managers, maker) = (self.managers().await?, self.maker());
        if becomes_approver
            && self.is_person(person).await?
            && self.awaits_confirmation(change, &maker, &managers).await?
        {
            self.require_not_archived(organization).await?;
            return Ok(Applied::AfterConfirmation);
        }
        let is_lowered = held.as_ref().is_some_and(|held| held.role > role);
        if is_lowered {
            self.store_former_role(organization, person).await?;
        }
        let set = tenant_query!(
            self,
            execute,
            "insert into membership (tenant_id, organization_id, person_id, role, created_at)
             select p.tenant_id, o.id, p.id, $4, $5 from person p join organization o on o.tenant_id = p.tenant_id
             where p.tenant_id = $1 and o.id = $2 and p.id = $3
             on conflict (tenant_id, organization_id, person_id) do update set role = excluded.role, provider = null",
            organization,
            person,
            role,
            self.now
        );
        if set? == 0 {
            return Err(Error::NotFound);
        }
        if is_lowered {
            self.delete_void_invitations(person).await?;
        }
        if becomes_approver {
            self.revoke_open_access(person).await?;
        }
        self.close_requests_of_member(organization, person).await?;
        self.rotate_session_tokens(person).await?;
        let entry = self.entry(&proof)?;
        self.record(entry).await?;
        if !is_lowered {
            self.require_not_archived(organization).await?;
        }
        if becomes_approver {
            self.follow_account_change(person, AccountChange::Role, &maker, &managers).await?;
        }
        self.publish(Topic::People, organization.0);
        Ok(Applied::Now)
    }

    /// Adds a person to an organization unless they are a member; returns whether they were added. A role of an approver or owner is given
    /// afterwards: see [`Write::raise_new_member`].
    pub(crate) async fn join(&mut self, organization: OrganizationId, person: PersonId, role: Role) -> Result<bool> {
        if role >= Role::Approver {
            self.lock_confirmation(&ProtectedChange::Membership { organization, person, role }).await?;
        }
        let joined = tenant_query!(
            self,
            execute,
            "insert into membership (tenant_id, organization_id, person_id, role, created_at) values ($1, $2, $3, $4, $5)
             on conflict (tenant_id, organization_id, person_id) do nothing",
            organization,
            person,
            role.min(Role::Member),
            self.now
        )?;
        self.close_requests_of_member(organization, person).await?;
        self.publish(Topic::People, organization.0);
        Ok(joined > 0)
    }

    /// Gives a new member the role of an approver or owner that they were accepted with, or requests its confirmation. Adds the role that
    /// they have after it, and the pending one, to the audit entry of the acceptance.
    pub(crate) async fn raise_new_member(
        &mut self,
        organization: OrganizationId,
        person: PersonId,
        role: Role,
        by: &Maker,
        managers: &Managers,
        entry: Entry,
    ) -> Result<Entry> {
        let change = ProtectedChange::Membership { organization, person, role };
        if role < Role::Approver {
            return Ok(entry.with_detail("role", json!(role)));
        }
        match self.awaits_confirmation(change, by, managers).await {
            // It may have been requested before the person joined.
            Ok(true) | Err(Error::Conflict(Conflict::ConfirmationExists)) => {
                return Ok(entry.with_detail("role", json!(Role::Member)).with_detail("pending", json!(role)));
            }
            // The person joins as a member all the same; the limit concerns the one who invited them.
            Err(Error::Conflict(Conflict::TooManyConfirmations)) => {
                return Ok(entry.with_detail("role", json!(Role::Member)).with_detail("not_requested", json!(role)));
            }
            awaits => drop(awaits?),
        }
        const SQL: &str =
            "update membership set role = $4 where tenant_id = $1 and organization_id = $2 and person_id = $3";
        tenant_query!(self, execute, SQL, organization, person, role)?;
        self.revoke_open_access(person).await?;
        self.follow_account_change(person, AccountChange::Role, by, managers).await?;
        Ok(entry.with_detail("role", json!(role)))
    }

    /// Keeps the last owner of an organization, because someone must be able to manage it. Locked owners and service
    /// accounts do not count.
    pub(crate) async fn keep_last_owner(
        &mut self,
        organization: OrganizationId,
        person: PersonId,
        becomes: Option<Role>,
    ) -> Result<()> {
        if becomes == Some(Role::Owner) {
            return Ok(());
        }
        // The update locks the rows, so that two owners cannot remove each other or leave at the same time.
        let owners = tenant_query!(
            self,
            PersonIdRow,
            fetch_all,
            "update membership set role = role where tenant_id = $1 and organization_id = $2 and role = 'owner'
             returning person_id",
            organization
        )?;
        if !owners.iter().any(|owner| owner.person_id == person) {
            return Ok(());
        }
        let others = tenant_query!(
            self,
            PersonIdRow,
            fetch_all,
            "select m.person_id from membership m join person p on p.tenant_id = m.tenant_id and p.id = m.person_id
             where m.tenant_id = $1 and m.organization_id = $2 and m.role = 'owner' and m.person_id <> $3
                and p.locked_at is null and p.responsible_id is null limit 1",
            organization,
            person
        )?;
        match others.is_empty() {
            false => Ok(()),
            true => Err(Error::Conflict(Conflict::LastOwner)),
        }
    }
}
