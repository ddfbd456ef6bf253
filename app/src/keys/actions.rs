//! Server functions that create, change, rotate and revoke API keys and manage service accounts.
use super::owner::KeyOwner;
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::{
    Email, Invalid,
    policy::{self, KeyExpiryChange, RevokeKeysOf, SetMembership},
    role::Role,
};
use leptos::prelude::*;
use std::time::Duration;

/// Creates a key for oneself, or for a service account that one is responsible for, and shows it once.
#[server(prefix = "/actions", endpoint = "keys/create")]
pub async fn create_key(
    name: String,
    #[server(default)] scopes: Vec<String>,
    #[server(default)] days: String,
    #[server(default)] owner: String,
    #[server(default)] organization: String,
    #[server(default)] networks: String,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let KeyOwner { owner, responsible } = KeyOwner::chosen(&actor, &store, &owner).await?;
    let name = domain::text::name("name", &name, 80)?;
    let scopes = scopes.join(",").parse().map_err(|wrong: Invalid| Invalid::new("scopes", wrong.reason))?;
    let expires_at = match super::expiry::parse(&days, store.now())? {
        KeyExpiryChange::At(at) => Some(at),
        KeyExpiryChange::Kept | KeyExpiryChange::Never => None,
    };
    let organization = match organization.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| Invalid::new("organization", t!("key-organization-unknown")))?),
    };
    let networks = networks.parse()?;
    let key = policy::CreateKey { owner, name, scopes, expires_at, organization, networks, responsible };
    let proof = store.authorize(&actor, key).await?;
    let token = super::owner::new_token()?;
    let mut write = store.write(&actor).await?;
    write.create_key(proof, token.shown(), token.hash).await?;
    write.commit().await?;
    Ok(Done::Secret(token.text))
}

/// Changes a key's name, allowed networks and expiry (owner or admin): `days` from now, `0` for no expiry, empty to keep it.
#[server(prefix = "/actions", endpoint = "keys/change")]
pub async fn change_key(
    id: String,
    name: String,
    #[server(default)] networks: String,
    #[server(default)] days: String,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let key = store.read(&actor).await?.key(ctx::id(&id)?).await?;
    let end = super::expiry::parse(&days, store.now())?;
    let (owner, responsible, networks) = (key.owner_id, key.responsible_id, networks.parse()?);
    let change = policy::ChangeKey { key: key.id, owner, responsible, name, networks, end };
    let proof = store.authorize(&actor, change).await?;
    let mut write = store.write(&actor).await?;
    write.change_key(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Replaces a key with a new one, which is shown once; both are valid for `hours`.
#[server(prefix = "/actions", endpoint = "keys/rotate")]
pub async fn rotate_key(id: String, #[server(default)] hours: u32) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let key = store.read(&actor).await?.key(ctx::id(&id)?).await?;
    let overlap = Duration::from_secs(u64::from(hours) * 3_600);
    let rotate = policy::RotateKey { key: key.id, owner: key.owner_id, responsible: key.responsible_id, overlap };
    let proof = store.authorize(&actor, rotate).await?;
    let token = super::owner::new_token()?;
    let mut write = store.write(&actor).await?;
    write.rotate_key(proof, token.shown(), token.hash).await?;
    write.commit().await?;
    Ok(Done::Secret(token.text))
}

/// Revokes a key (owner or admin).
#[server(prefix = "/actions", endpoint = "keys/revoke")]
pub async fn revoke_key(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let key = store.read(&actor).await?.key(ctx::id(&id)?).await?;
    let revoke = policy::RevokeKey { key: key.id, owner: key.owner_id, responsible: key.responsible_id };
    let proof = store.authorize(&actor, revoke).await?;
    let mut write = store.write(&actor).await?;
    write.revoke_key(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Revokes the selected keys, all or none; keys that are already revoked are skipped.
#[server(prefix = "/actions", endpoint = "keys/revoke-selected")]
pub async fn revoke_selected(#[server(default)] keys: Vec<String>) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    if keys.is_empty() || keys.len() > super::MAX_REVOKED_AT_ONCE {
        return Err(Invalid::new("keys", t!("keys-select-some")).into());
    }
    let mut proofs = vec![];
    for id in &keys {
        let key = store.read(&actor).await?.key(ctx::id(id)?).await?;
        if key.revoked_at.is_none() {
            let revoke = policy::RevokeKey { key: key.id, owner: key.owner_id, responsible: key.responsible_id };
            proofs.push(store.authorize(&actor, revoke).await?);
        }
    }
    let mut write = store.write(&actor).await?;
    for proof in proofs {
        match write.revoke_key(proof).await {
            Ok(()) | Err(store::Error::Conflict(_)) => {} // revoked concurrently
            Err(error) => return Err(error.into()),
        }
    }
    write.commit().await?;
    Ok(Done::Stay)
}

#[server(prefix = "/actions", endpoint = "keys/revoke-all")]
pub async fn revoke_all(owner: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let KeyOwner { owner, responsible } = KeyOwner::of(&actor, &store, &owner).await?;
    let proof = store.authorize(&actor, RevokeKeysOf { owner, responsible }).await?;
    let mut write = store.write(&actor).await?;
    write.revoke_keys_of(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Transfers the responsibility for a service account to another person.
#[server(prefix = "/actions", endpoint = "keys/transfer")]
pub async fn transfer_service_account(
    account: String,
    #[server(default)] successor: String,
    #[server(default)] revoke: bool,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let unknown = || Invalid::new("successor", t!("service-responsible-unknown"));
    let email = Email::parse(&successor).map_err(|_| unknown())?;
    let mut read = store.read(&actor).await?;
    let account = read.service_account(ctx::id(&account)?).await?;
    let successor = read.person_by_email(&email).await;
    drop(read);
    // Authorization comes first, so that an unauthorized actor cannot find out which people exist.
    let person = *successor.as_ref().unwrap_or(&account.responsible_id);
    let transfer = policy::TransferServiceAccount {
        account: account.id,
        responsible: account.responsible_id,
        successor: person,
        revoke,
    };
    let proof = store.authorize(&actor, transfer).await?;
    successor.map_err(|_| unknown())?;
    let mut write = store.write(&actor).await?;
    write.transfer_service_account(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/keys/service-accounts/{}", account.id)))
}

/// Creates a service account with a role in one organization.
#[server(prefix = "/actions", endpoint = "keys/service-account")]
pub async fn create_service_account(
    name: String,
    #[server(default)] responsible: String,
    organization: String,
    role: String,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let name = domain::text::name("name", &name, 80)?;
    let role: Role = role.parse()?;
    if role > Role::Member {
        return Err(Invalid::new("role", t!("service-role-range")).into());
    }
    let email =
        Email::parse(&responsible).map_err(|_| Invalid::new("responsible", t!("service-responsible-unknown")))?;
    let mut read = store.read(&actor).await?;
    let responsible = read.person_by_email(&email).await;
    let organization = read.organization(ctx::id(&organization)?).await;
    drop(read);
    // Authorization comes first, so that an unauthorized actor cannot find out which people and organizations exist.
    let person = *responsible.as_ref().unwrap_or(&domain::PersonId(uuid::Uuid::nil()));
    let proof = store.authorize(&actor, policy::CreateServiceAccount { name, responsible: person }).await?;
    responsible.map_err(|_| Invalid::new("responsible", t!("service-responsible-unknown")))?;
    let organization = organization?.id;
    let mut write = store.write(&actor).await?;
    let person = write.create_service_account(proof).await?;
    let join = actor.may(SetMembership { organization, person, role }).map_err(store::Error::from)?;
    write.set_membership(join).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/keys/service-accounts/{person}")))
}
