//! Access lists: the people and keys that can reach a thing, page by page, each checked by the policy.
use crate::{
    Page, Read, Result,
    db::{column::row_type, conn::tenant_query},
};
use domain::{
    Allowed, KeyId, KeyLimits, Networks, OrganizationId, PersonId, RunnerId, TaskId, Timestamp,
    access::{Ability, AccessReason, Candidate, Resource},
    approval::Requesters,
    policy::ReadAccess,
    role::{Role, TenantRole},
    scope::Scopes,
    visibility::{AccessAttributes, Visibility},
};

/// Maximum number of rows, one per key, that one page reads; the SQL statement contains the same number.
const MAX_ROWS: usize = 5_000;

/// A resource whose access list is requested.
#[derive(Clone, Copy, Debug)]
pub enum ResourceRef {
    Task(TaskId),
    Organization(OrganizationId),
    Runner(RunnerId),
    ServiceAccount(PersonId),
}

/// A person or service account with access to the resource.
#[derive(Clone, Debug)]
pub struct AccessHolder {
    pub id: PersonId,
    pub name: String,
    /// Email address; none for a service account.
    pub email: Option<String>,
    /// Whether the account is locked; access returns when it is unlocked.
    pub locked: bool,
    /// Reasons for the access; empty if the access comes only through keys.
    pub why: Vec<AccessReason>,
    /// Actions that the person can take on the resource.
    pub can: Vec<Ability>,
    /// API keys of this person that reach the resource.
    pub keys: Vec<AccessKey>,
}

/// An API key that reaches the resource.
#[derive(Clone, Debug)]
pub struct AccessKey {
    pub id: KeyId,
    pub name: String,
    pub prefix: String,
    /// Allowed networks; any network if empty.
    pub networks: Networks,
    pub expires_at: Option<Timestamp>,
    /// Actions that the key allows on the resource.
    pub can: Vec<Ability>,
}

row_type! {
    /// A candidate for the access list, with one of their keys if they have any.
    pub struct CandidateRow {
        pub id: PersonId,
        pub name: String,
        pub email: String,
        pub tenant_role: TenantRole,
        pub locked_at: Option<Timestamp>,
        /// The responsible person, if this is a service account.
        pub responsible_id: Option<PersonId>,
        /// The role in the organization, or the highest role in any organization.
        pub role: Option<Role>,
        pub key_id: Option<KeyId>,
        pub key: Option<String>,
        pub prefix: Option<String>,
        pub scopes: Option<Scopes>,
        /// The organization that the key is limited to.
        pub only_id: Option<OrganizationId>,
        /// The owner's role in that organization.
        pub only_role: Option<Role>,
        pub networks: Option<Networks>,
        pub expires_at: Option<Timestamp>,
    }
}

// `$2` is the organization, `$3` the address that the page starts after, `$4` the number of people on it, `$5` the current
// time.
macro_rules! with_keys {
    ($people:literal) => {
        concat!(
            "select p.id, p.name, p.email, p.tenant_role, p.locked_at, p.responsible_id, p.role, k.id as key_id, k.name as key,
                k.prefix, k.scopes, k.organization_id as only_id, k.networks, k.expires_at,
                (select h.role from membership h where h.tenant_id = $1 and h.organization_id = k.organization_id
                    and h.person_id = p.id) as only_role
             from (select p.id, p.name, p.email, p.tenant_role, p.locked_at, p.responsible_id,
                    (select m.role from membership m where m.tenant_id = p.tenant_id and m.person_id = p.id
                        and ($2 is null or m.organization_id = $2)
                     order by ", $crate::role_sql::role_rank!("m.role"), " desc limit 1) as role
                from ", $people, " p.tenant_id = $1 and p.email > $3 order by p.email limit $4) p
             left join api_key k on k.tenant_id = $1 and k.owner_id = p.id and k.revoked_at is null
                and (k.expires_at is null or k.expires_at > $5)
             order by p.email, k.id desc limit 5000"
        )
    };
}

impl Read {
    /// Returns the resource and its name if the actor can see it.
    pub async fn resource_and_name(&mut self, which: ResourceRef) -> Result<(Resource, String)> {
        Ok(match which {
            ResourceRef::Task(id) => {
                let (task, request) = (self.task(id).await?, self.approval_of(id).await?);
                let none = || (Requesters::only(task.owner_id), false);
                let (requesters, own) =
                    request.map_or_else(none, |request| (request.requesters(), request.self_approval));
                (Resource::Task(id, task.access_attributes(), requesters, own), task.title)
            }
            ResourceRef::Organization(id) => (Resource::Organization(id), self.organization(id).await?.name),
            ResourceRef::Runner(id) => (Resource::Runner(id), self.runner(id).await?.name),
            ResourceRef::ServiceAccount(id) => {
                let account = self.service_account(id).await?;
                (Resource::ServiceAccount(id, account.responsible_id), account.name)
            }
        })
    }

    /// Returns whether the list is complete for this actor. If the whole tenant can reach the resource, only actors who can
    /// read everything see all people; others see its members and the people who can read everything.
    pub fn is_visible_to_all(&self, thing: &Resource) -> bool {
        !is_visible_to_whole_tenant(thing) || self.actor.can_read_everything()
    }

    /// Returns a page of people with access, by address, after `after`. It scans `limit` people, so a page can have fewer.
    pub async fn access_list(
        &mut self,
        proof: &Allowed<ReadAccess>,
        after: &str,
        limit: u32,
        now: Timestamp,
    ) -> Result<Page<AccessHolder>> {
        let thing = &proof.action().resource;
        let (of, after, read_limit) = (thing.organization(), after.to_owned(), limit + 1);
        let rows = if is_visible_to_whole_tenant(thing) && self.actor.can_read_everything() {
            tenant_query!(self, CandidateRow, fetch_all, with_keys!("person p where"), of, after, read_limit, now)?
        } else {
            let (owner, itself) = match thing {
                Resource::Task(_, sight, ..) => (Some(sight.owner), None),
                Resource::Organization(_) | Resource::Runner(_) => (None, None),
                Resource::ServiceAccount(account, responsible) => (Some(*responsible), Some(*account)),
            };
            tenant_query!(
                self,
                CandidateRow,
                fetch_all,
                with_keys!(
                    "(select person_id as id from membership where tenant_id = $1 and organization_id = $2
                        union select id from person where tenant_id = $1 and tenant_role <> 'person'
                        union select id from person where tenant_id = $1 and id in ($6, $7)) c
                     join person p on p.id = c.id where"
                ),
                of,
                after,
                read_limit,
                now,
                owner,
                itself
            )?
        };
        let cut_off = rows.len() >= MAX_ROWS;
        let mut people: Vec<Vec<CandidateRow>> = vec![];
        for row in rows {
            match people.last_mut() {
                Some(same) if same.first().is_some_and(|first| first.id == row.id) => same.push(row),
                _ => people.push(vec![row]),
            }
        }
        let email = |rows: &Vec<CandidateRow>| rows.first().map(|row| row.email.clone()).unwrap_or_default();
        if cut_off && people.len() > 1 {
            people.pop(); // possibly without all keys: they start the next page
        }
        let last = people.last().map(email);
        let mut page = Page::cut(people, limit, email);
        page.next = page.next.or(last.filter(|_| cut_off));
        let items = page.items.into_iter().filter_map(|rows| self.holder_entry(thing, rows)).collect();
        Ok(Page { items, next: page.next })
    }

    /// Builds the entry of one candidate; `None` if neither they nor one of their keys has access.
    fn holder_entry(&self, thing: &Resource, rows: Vec<CandidateRow>) -> Option<AccessHolder> {
        let first = rows.first()?.clone();
        let (tenant, person) = (self.tenant, first.id);
        let who = Candidate { tenant, person, tenant_role: first.tenant_role, role: first.role, key: None };
        let keys: Vec<_> = rows.into_iter().filter_map(|row| key_entry(thing, &who, row)).collect();
        // A service account never signs in, so only its keys have access.
        let (why, can) = (thing.why(&who), if first.responsible_id.is_none() { thing.can(&who) } else { vec![] });
        let email = first.responsible_id.is_none().then_some(first.email);
        let reaches = !can.is_empty() || !keys.is_empty();
        reaches.then_some(AccessHolder {
            id: first.id,
            name: first.name,
            email,
            locked: first.locked_at.is_some(),
            why,
            can,
            keys,
        })
    }
}

/// Returns whether the whole tenant can reach the resource.
fn is_visible_to_whole_tenant(thing: &Resource) -> bool {
    matches!(
        thing,
        Resource::Runner(_) | Resource::Task(_, AccessAttributes { visibility: Visibility::Public, .. }, ..)
    )
}

/// Returns the key in a row if it reaches the resource.
fn key_entry(thing: &Resource, owner: &Candidate, row: CandidateRow) -> Option<AccessKey> {
    let (id, scopes) = (row.key_id?, row.scopes?);
    let role = if row.only_id.is_some() { row.only_role } else { owner.role };
    let limits = KeyLimits { key: id, scopes, only: row.only_id, service: row.responsible_id.is_some() };
    let can = thing.can(&Candidate { role, key: Some(limits), ..owner.clone() });
    let (name, prefix) = (row.key.unwrap_or_default(), row.prefix.unwrap_or_default());
    let networks = row.networks.unwrap_or_default();
    (!can.is_empty()).then_some(AccessKey { id, name, prefix, networks, expires_at: row.expires_at, can })
}
