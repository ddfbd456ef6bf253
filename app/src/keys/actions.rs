//! Making and revoking API keys.
use crate::outcome::{Done, Refusal};
use leptos::prelude::*;

/// Makes a key for oneself, and shows it once.
#[server(prefix = "/actions", endpoint = "keys/create")]
pub async fn create_key(
    name: String,
    #[server(default)] scopes: Vec<String>,
    #[server(default)] days: u32,
) -> Result<Done, Refusal> {
    use crate::{
        outcome::Kind,
        token::{KEY_PREFIX, Token},
        ui::ctx,
    };
    use domain::{Invalid, policy::CreateKey};
    use std::time::Duration;
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let owner = actor.person().ok_or_else(|| Refusal::new(Kind::Forbidden, t!("key-person-only")))?;
    let name = domain::text::name("name", &name, 80)?;
    let scopes = scopes.join(",").parse().map_err(|wrong: Invalid| Invalid::new("scopes", wrong.reason))?;
    if days > super::MAX_DAYS {
        return Err(Invalid::new("days", t!("key-days-range")).into());
    }
    let expires_at = (days > 0).then(|| store.now().after(Duration::from_secs(u64::from(days) * 86_400)));
    let proof = store.authorise(&actor, CreateKey { owner, name, scopes, expires_at }).await?;
    let token = Token::new(KEY_PREFIX)?;
    let mut write = store.write(&actor).await?;
    write.create_key(proof, token.shown(), token.hash).await?;
    write.commit().await?;
    Ok(Done::Secret(token.text))
}

/// Revokes a key of one's own, or as an admin anybody's.
#[server(prefix = "/actions", endpoint = "keys/revoke")]
pub async fn revoke_key(id: String) -> Result<Done, Refusal> {
    use crate::{outcome::Kind, ui::ctx};
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let id = id.parse().map_err(|_| Refusal::new(Kind::NotFound, t!("refused-not-found")))?;
    let key = store.read(&actor).await?.key(id).await?;
    let proof = store.authorise(&actor, domain::policy::RevokeKey { key: id, owner: key.owner_id }).await?;
    let mut write = store.write(&actor).await?;
    write.revoke_key(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}
