//! Server functions that create, revoke and accept invitations.
use crate::{
    assets::PublicOrigin,
    outcome::{Done, Refusal},
    ui::ctx,
};
use auth::{NewAccount, Token};
use domain::{Email, Invalid, InvitationId, joining, policy};
use leptos::prelude::*;
use store::NewInvitation;

/// Creates an invitation. The link is mailed if there is an address and mail is configured, otherwise shown once.
#[server(prefix = "/actions", endpoint = "organizations/invite")]
pub async fn invite(
    organization: String,
    role: String,
    #[server(default)] email: String,
    #[server(default)] uses: String,
    #[server(default)] days: String,
) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organization, role) = (ctx::id(&organization)?, role.parse()?);
    let email = if email.trim().is_empty() { None } else { Some(Email::parse(&email)?) };
    let number =
        |field: &str, text: &str| text.trim().parse().map_err(|_| Invalid::new(field, t!("invitation-number")));
    let uses = if email.is_some() { 1 } else { joining::uses(number("uses", &uses)?)? };
    let days = joining::days(number("days", &days)?)?;
    let invitation = InvitationId(store::new_id());
    let proof = store.authorize(&actor, policy::Invite { invitation, organization, role, email, uses, days }).await?;
    let (token, link) = new_link()?;
    let mut write = store.write(&actor).await?;
    let mailed = write.invite(proof, link).await?;
    write.commit().await?;
    Ok(if mailed { Done::Stay } else { Done::Secret(address(&token)) })
}

/// Mails an invitation again with a new link, or shows the link once if mail is not configured.
#[server(prefix = "/actions", endpoint = "organizations/resend-invitation")]
pub async fn resend_invitation(organization: String, invitation: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organization, invitation) = (ctx::id(&organization)?, ctx::id(&invitation)?);
    let proof = store.authorize(&actor, policy::ResendInvitation { invitation, organization }).await?;
    let (token, link) = new_link()?;
    let mut write = store.write(&actor).await?;
    let mailed = write.resend_invitation(proof, link).await?;
    write.commit().await?;
    Ok(if mailed { Done::Stay } else { Done::Secret(address(&token)) })
}

fn new_link() -> Result<(Token, NewInvitation), Refusal> {
    let token = Token::new("")?;
    let link = NewInvitation { token: token.text.clone(), token_hash: token.hash };
    Ok((token, link))
}

fn address(token: &Token) -> String {
    let origin = use_context::<PublicOrigin>().map(|origin| origin.0).unwrap_or_default();
    format!("{origin}/invitation?token={}", token.text)
}

#[server(prefix = "/actions", endpoint = "organizations/revoke-invitation")]
pub async fn revoke_invitation(organization: String, invitation: String) -> Result<Done, Refusal> {
    let (actor, store) = (ctx::actor()?, ctx::store()?);
    let (organization, invitation) = (ctx::id(&organization)?, ctx::id(&invitation)?);
    let action = policy::RevokeInvitation { invitation, organization };
    let proof = store.authorize(&actor, action).await?;
    let mut write = store.write(&actor).await?;
    write.revoke_invitation(proof).await?;
    write.commit().await?;
    Ok(Done::Stay)
}

/// Accepts an invitation with an existing account.
#[server(prefix = "/actions", endpoint = "invitations/accept")]
pub async fn accept_invitation(token: String) -> Result<Done, Refusal> {
    let organization = ctx::sign_in()?.accept_invitation(token).await?;
    Ok(Done::GoTo(format!("/organizations/{organization}")))
}

/// Creates an account for an invited person, or mails a confirmation link if the address must be confirmed first.
#[server(prefix = "/actions", endpoint = "setup/join")]
pub async fn join(
    token: String,
    #[server(default)] name: String,
    #[server(default)] email: String,
    #[server(default)] password: String,
) -> Result<Done, Refusal> {
    match ctx::sign_in()?.join(token, NewAccount { name, email, password }).await? {
        Some(organization) => Ok(Done::GoTo(format!("/organizations/{organization}"))),
        None => Ok(Done::GoTo("/invitation?sent=1".into())),
    }
}
