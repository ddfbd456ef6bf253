//! Server functions that configure, test and remove identity providers.
use crate::{
    outcome::{Done, Refusal},
    ui::ctx,
};
use domain::{
    Invalid, ProviderId,
    policy::{self, SetProvider},
    provider,
};
use leptos::prelude::*;

/// Creates a provider, or changes the one with `id`. An empty secret keeps the current one.
#[server(prefix = "/actions", endpoint = "providers/save")]
pub async fn save_provider(
    kind: String,
    client_id: String,
    #[server(default)] id: String,
    #[server(default)] label: String,
    #[server(default)] issuer: String,
    #[server(default)] client_secret: String,
    #[server(default)] new_accounts: String,
    #[server(default)] domains: String,
    #[server(default)] audiences: String,
    #[server(default)] groups_claim: String,
    #[server(default)] groups: String,
    #[server(default)] enabled: bool,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let form = provider::ProviderForm {
        kind,
        label,
        issuer,
        client_id,
        audiences,
        new_accounts,
        domains,
        groups_claim,
        groups,
    };
    let known = if id.is_empty() { None } else { Some(ctx::id(&id)?) };
    let mut provider = form.check()?;
    if provider::is_loopback(&provider.issuer) && !ctx::sign_in()?.allows_loopback_issuers() {
        return Err(Invalid::new("issuer", t!("provider-loopback")).into());
    }
    provider.enabled = enabled || known.is_none();
    let new_secret = !client_secret.trim().is_empty();
    let id = known.unwrap_or_else(|| ProviderId(store::new_id()));
    let proof = store.authorize(&actor, SetProvider { id, provider, new_secret }).await?;
    if let Some(id) = known {
        store.read(&actor).await?.provider(id).await?;
    }
    let secret = match (new_secret, known) {
        (true, _) => Some(store.seal_secret(actor.tenant, id, &provider::client_secret(&client_secret)?).await?),
        (false, Some(_)) => None,
        (false, None) => return Err(Invalid::new("client_secret", t!("provider-secret-needed")).into()),
    };
    let mut write = store.write(&actor).await?;
    write.set_provider(proof, secret).await?;
    write.commit().await?;
    Ok(Done::GoTo(format!("/settings/authentication/{id}")))
}

/// Runs discovery on a provider and shows the result.
#[server(prefix = "/actions", endpoint = "providers/test")]
pub async fn test_provider(id: String) -> Result<Done, Refusal> {
    let actor = ctx::actor()?;
    ctx::admins_only(&actor)?;
    let found = ctx::sign_in()?.probe(&actor, ctx::id(&id)?).await?;
    Ok(Done::Found(super::pages::format_findings(found)))
}

#[server(prefix = "/actions", endpoint = "providers/remove")]
pub async fn remove_provider(id: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let action = policy::RemoveProvider { id: ctx::id(&id)? };
    let proof = store.authorize(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    write.remove_provider(proof).await?;
    write.commit().await?;
    Ok(Done::GoTo("/settings/authentication".into()))
}
