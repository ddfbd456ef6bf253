//! Making organisations, and who is in them.
use crate::outcome::{Done, Refusal};
use leptos::prelude::*;

/// Makes an organisation, and goes on to it.
#[server(prefix = "/actions", endpoint = "organisations/create")]
pub async fn create_organisation(name: String) -> Result<Done, Refusal> {
    use crate::ui::ctx;
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let name = domain::text::name("name", &name, 80)?;
    let proof = store.authorise(&actor, domain::policy::CreateOrganisation { name }).await?;
    let mut write = store.write(&actor).await?;
    let id = write.create_organisation(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/organisations/{id}")))
}

/// Puts the person with an address into an organisation.
#[server(prefix = "/actions", endpoint = "organisations/add-member")]
pub async fn add_member(organisation: String, email: String, role: String) -> Result<Done, Refusal> {
    use crate::ui::ctx;
    use domain::{Email, Invalid, policy::SetMembership};
    use store::Error;
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organisation, role) = (ctx::id(&organisation)?, role.parse()?);
    let email = Email::parse(&email)?;
    let person = store.read(&actor).await?.person_called(&email).await.map_err(|error| match error {
        Error::NotFound => Refusal::from(Invalid::new("email", t!("member-unknown"))),
        other => other.into(),
    })?;
    let proof = store.authorise(&actor, SetMembership { organisation, person, role }).await?;
    let mut write = store.write(&actor).await?;
    write.set_membership(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Changes a member's role.
#[server(prefix = "/actions", endpoint = "organisations/set-role")]
pub async fn set_role(organisation: String, person: String, role: String) -> Result<Done, Refusal> {
    use crate::ui::ctx;
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organisation, person) = (ctx::id(&organisation)?, ctx::id(&person)?);
    let action = domain::policy::SetMembership { organisation, person, role: role.parse()? };
    let proof = store.authorise(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    write.set_membership(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Takes a member out.
#[server(prefix = "/actions", endpoint = "organisations/remove-member")]
pub async fn remove_member(organisation: String, person: String) -> Result<Done, Refusal> {
    use crate::ui::ctx;
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organisation, person) = (ctx::id(&organisation)?, ctx::id(&person)?);
    let proof = store.authorise(&actor, domain::policy::RemoveMembership { organisation, person }).await?;
    let mut write = store.write(&actor).await?;
    write.remove_membership(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
