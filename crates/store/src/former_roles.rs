//! Former roles of approvers, owners and admins, which count for a day (D-04): otherwise an admin could take a role away, change the account
//! of a plain member, and give the role back.
use crate::{
    Result, Write,
    db::{conn::tenant_query, id::new_id},
};
use domain::{OrganizationId, PersonId};
use std::time::Duration;

/// The time for which a former role counts.
pub(crate) const DAY: Duration = Duration::from_hours(24);

impl Write {
    /// Stores that a person's role in an organization ends or becomes lower. Called before that.
    pub(crate) async fn store_former_role(&mut self, organization: OrganizationId, person: PersonId) -> Result<()> {
        self.delete_former_roles(person).await?;
        tenant_query!(
            self,
            execute,
            concat!(
                "insert into former_role (tenant_id, id, person_id, organization_id, role, ended_at)
                 select m.tenant_id, $4, m.person_id, m.organization_id, m.role, $5 from membership m
                 where m.tenant_id = $1 and m.organization_id = $2 and m.person_id = $3 and ",
                crate::role_sql::is_approver!()
            ),
            organization,
            person,
            new_id(),
            self.now
        )?;
        Ok(())
    }

    /// Stores that a person stops being an admin of the tenant. Called before that.
    pub(crate) async fn store_former_admin(&mut self, person: PersonId) -> Result<()> {
        self.delete_former_roles(person).await?;
        tenant_query!(
            self,
            execute,
            "insert into former_role (tenant_id, id, person_id, role, ended_at)
             select p.tenant_id, $3, p.id, p.tenant_role, $4 from person p
             where p.tenant_id = $1 and p.id = $2 and p.tenant_role = 'admin'",
            person,
            new_id(),
            self.now
        )?;
        Ok(())
    }

    /// Deletes the invitations of a person whose role no longer lets them invite, so that they are not valid again with the next role.
    pub(crate) async fn delete_void_invitations(&mut self, person: PersonId) -> Result<()> {
        tenant_query!(
            self,
            execute,
            "delete from invitation where tenant_id = $1 and inviter_id = $2
                and not exists (select 1 from person p where p.tenant_id = $1 and p.id = $2 and p.tenant_role = 'admin')
                and not exists (select 1 from membership m where m.tenant_id = $1 and m.person_id = $2
                    and m.organization_id = invitation.organization_id and m.role = 'owner')",
            person
        )?;
        Ok(())
    }

    /// Deletes the open password links and address changes of a person who becomes an approver, owner or admin: they were made for an account
    /// that approved nothing.
    pub(crate) async fn revoke_open_access(&mut self, person: PersonId) -> Result<()> {
        tenant_query!(self, execute, "delete from password_link where tenant_id = $1 and person_id = $2", person)?;
        tenant_query!(self, execute, "delete from address_change where tenant_id = $1 and person_id = $2", person)?;
        Ok(())
    }

    /// Deletes a person's former roles that no longer count.
    async fn delete_former_roles(&mut self, person: PersonId) -> Result<()> {
        const SQL: &str = "delete from former_role where tenant_id = $1 and person_id = $2 and ended_at <= $3";
        tenant_query!(self, execute, SQL, person, self.now.before(DAY))?;
        Ok(())
    }
}
