//! People of test tenants, with a person for every role.
use domain::{
    Actor, Email, OrganizationId, PersonId, Principal, SignedInBy, TenantId,
    policy::{CreatePerson, SetMembership},
    role::{Role, TenantRole},
};
use store::{Result, Store, Write};

/// A person of a test tenant.
#[derive(Clone, Copy, Debug)]
pub struct TestPerson {
    pub name: &'static str,
    pub tenant_role: TenantRole,
    /// The role in the tenant's main organization.
    pub role: Option<Role>,
}

/// A person without an organization.
pub const SAM: TestPerson = TestPerson { name: "sam", tenant_role: TenantRole::Person, role: None };
pub const VERA: TestPerson = member("vera", Role::Viewer);
pub const MIA: TestPerson = member("mia", Role::Member);
/// A second member.
pub const MAX: TestPerson = member("max", Role::Member);
pub const ADA: TestPerson = member("ada", Role::Approver);
/// A second approver.
pub const ABE: TestPerson = member("abe", Role::Approver);
pub const OLGA: TestPerson = member("olga", Role::Owner);
pub const AUDREY: TestPerson = TestPerson { name: "audrey", tenant_role: TenantRole::Auditor, role: None };
pub const ADAM: TestPerson = TestPerson { name: "adam", tenant_role: TenantRole::Admin, role: None };

const fn member(name: &'static str, role: Role) -> TestPerson {
    TestPerson { name, tenant_role: TenantRole::Person, role: Some(role) }
}

/// Returns the email address of a person, NAME@TENANT.example.
pub fn email_address(name: &str, tenant: &str) -> String {
    format!("{name}@{tenant}.example")
}

/// Creates people named "NAME of TENANT" and their memberships in an organization.
pub async fn create_people<const N: usize>(
    write: &mut Write,
    by: &Actor,
    organization: OrganizationId,
    tenant: &str,
    people: [TestPerson; N],
) -> [PersonId; N] {
    let mut ids = vec![];
    for TestPerson { name, tenant_role, role } in people {
        let email = Email::parse(&email_address(name, tenant)).unwrap();
        let new = CreatePerson { email, name: format!("{name} of {tenant}"), tenant_role };
        let id = write.create_person(by.may(new).unwrap()).await.unwrap();
        if let Some(role) = role {
            join(write, by, organization, id, role).await;
        }
        ids.push(id);
    }
    ids.try_into().unwrap()
}

/// Makes a person a member of an organization.
pub async fn join(write: &mut Write, by: &Actor, organization: OrganizationId, person: PersonId, role: Role) {
    write.set_membership(by.may(SetMembership { organization, person, role }).unwrap()).await.unwrap();
}

/// Returns a person as an actor who signed in with a password.
pub async fn person(store: &Store, tenant: TenantId, id: PersonId) -> Actor {
    let holder = store.system().holder(tenant, id).await.unwrap();
    let mut actor = Actor::clock(tenant, store.now());
    actor.principal = Principal::Person(id);
    (actor.name, actor.email, actor.tenant_role) = (holder.name, Some(holder.email), holder.tenant_role);
    (actor.roles, actor.by) = (holder.roles, SignedInBy::Password);
    actor
}

/// Commits one change by one actor.
pub async fn change<T>(store: &Store, actor: &Actor, work: impl AsyncFnOnce(&mut Write) -> Result<T>) -> Result<T> {
    let mut write = store.write(actor).await?;
    let done = work(&mut write).await?;
    write.commit().await?;
    Ok(done)
}
