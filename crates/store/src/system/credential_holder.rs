//! Holder of a session or key, read at every request so that a change of rights takes effect at once.
use super::System;
use crate::{
    Error, Result,
    db::{column::row_type, conn::unscoped_query},
};
use domain::{
    Email, OrganizationId, PersonId, TenantId,
    role::{Role, TenantRole},
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Row};
use std::collections::BTreeMap;

/// The person behind a session or key, with everything that an actor needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Holder {
    pub name: String,
    pub email: Email,
    pub tenant_role: TenantRole,
    /// Roles in the tenant's organizations.
    pub roles: BTreeMap<OrganizationId, Role>,
    /// Whether the person has a second factor.
    pub has_factor: bool,
    /// Whether the tenant requires one of everyone.
    pub everybody: bool,
    /// The name of the tenant, if the deployment has several.
    pub tenant: Option<String>,
}

row_type! {
    /// A person with one of their roles, if any.
    pub struct HolderRow {
        pub person_name: String,
        pub person_email: Email,
        pub tenant_role: TenantRole,
        /// Whether the person has a second factor.
        pub has_factor: bool,
        /// Whether the tenant requires one of everyone.
        pub everybody: bool,
        /// The name of the tenant, if the deployment has several.
        pub tenant_name: Option<String>,
        /// The organization of the role.
        pub member_of: Option<OrganizationId>,
        pub role: Option<Role>,
    }
}

/// A row of a session or key with one row of its holder.
pub(super) struct WithHolder<T>(T, HolderRow);

impl<'r, R: Row, T: FromRow<'r, R>> FromRow<'r, R> for WithHolder<T>
where
    HolderRow: FromRow<'r, R>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self(T::from_row(row)?, HolderRow::from_row(row)?))
    }
}

/// A statement that returns [`WithHolder`] rows: `$columns` from `$from`, in which person `p` is the holder. Locked people are
/// excluded.
macro_rules! select_with_holder {
    ($columns:literal from $from:literal where $condition:literal) => {
        concat!(
            "select ",
            $columns,
            "p.name as person_name, p.email as person_email, p.tenant_role, f.everybody, m.organization_id as member_of, m.role,
                exists (select 1 from totp t where t.tenant_id = p.tenant_id and t.person_id = p.id and t.confirmed_at is not null)
                    or exists (select 1 from passkey where passkey.tenant_id = p.tenant_id and passkey.person_id = p.id) as has_factor,
                (select tenant.name from tenant where tenant.id = p.tenant_id
                    and exists (select 1 from tenant other where other.id <> p.tenant_id)) as tenant_name
             from ",
            $from,
            " join factor_policy f on f.tenant_id = p.tenant_id
             left join membership m on m.tenant_id = p.tenant_id and m.person_id = p.id
             where p.locked_at is null and ",
            $condition
        )
    };
}
pub(super) use select_with_holder;

/// Combines the rows of one session or key, if there are any.
pub(super) fn combine_holder_rows<T>(rows: Vec<WithHolder<T>>) -> Option<(T, Holder)> {
    let roles = rows.iter().filter_map(|WithHolder(_, row)| row.member_of.zip(row.role)).collect();
    let WithHolder(found, row) = rows.into_iter().next()?;
    let HolderRow {
        person_name: name,
        person_email: email,
        tenant_role,
        has_factor,
        everybody,
        tenant_name: tenant,
        ..
    } = row;
    Some((found, Holder { name, email, tenant_role, roles, has_factor, everybody, tenant }))
}

impl System<'_> {
    /// Returns the current state of a person; locked people are not found.
    pub async fn holder(&self, tenant: TenantId, person: PersonId) -> Result<Holder> {
        let mut conn = self.single_query_conn().await?;
        let sql = select_with_holder!("" from "person p" where "p.tenant_id = $1 and p.id = $2");
        let rows = unscoped_query!(conn, WithHolder<()>, fetch_all, sql, tenant, person)?;
        combine_holder_rows(rows).map(|((), holder)| holder).ok_or(Error::NotFound)
    }
}
