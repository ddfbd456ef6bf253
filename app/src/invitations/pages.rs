//! The page of an invitation link: one button for signed-in people, a form for a new account for everyone else.
use super::actions::{AcceptInvitation, Join};
use crate::{
    outcome::Refusal,
    ui::{Address, Button, ButtonVariant, Field, Form, LinkButton, PageFuture, Password, ctx, labels, plain},
};
use auth::{InvitationDetails, Stage};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/invitation?token=…`, and `/invitation` after signing in. Wrong, used, expired and revoked links get the same response.
pub fn invitation() -> PageFuture {
    plain(t!("invitation-title"), offer)
}

async fn offer() -> Result<AnyView, Refusal> {
    if ctx::here().get("sent").is_some() {
        return Ok(view! { <p class="lead" role="status">{t!("invitation-sent")}</p> }.into_any());
    }
    let sign_in = ctx::sign_in()?;
    // After signing in, the token comes from a cookie, so that no other URL contains it.
    let token =
        ctx::here().get("token").map(str::to_owned).or_else(|| sign_in.pending_invitation()).unwrap_or_default();
    let invited = sign_in.invitation(token.clone()).await?;
    let lead = t!(
        "invitation-lead",
        inviter = invited.inviter.clone(),
        organization = invited.organization.clone(),
        role = labels::role_in_full(invited.role)
    );
    let next = match (ctx::actor(), sign_in.stage()) {
        (Ok(actor), _) => {
            let oneself = actor.email.as_ref().map_or(actor.name.clone(), |email| format!("{} ({email})", actor.name));
            view! {
                <p>{t!("invitation-as", who = oneself)}</p>
                <Form action=AcceptInvitation::PATH hidden=vec![("token", token)]>
                    <Button variant=ButtonVariant::Primary>{t!("invitation-accept")}</Button>
                </Form>
            }
            .into_any()
        }
        (Err(_), Stage::SignedOut) => view! { <SignedOutInvitation invited=invited token=token /> }.into_any(),
        (Err(_), _) => view! {
            <p>{t!("invitation-finish-sign-in")}</p>
            <LinkButton href=back_from("/second-factor")>{t!("factor-title")}</LinkButton>
        }
        .into_any(),
    };
    Ok(view! { <p class="lead">{lead}</p>{next} }.into_any())
}

#[component]
fn SignedOutInvitation(invited: InvitationDetails, token: String) -> impl IntoView {
    let hidden = || vec![("token", token.clone())];
    let form = match (invited.passwords, invited.needs_confirmation) {
        (false, _) => view! { <p>{t!("invitation-provider")}</p> }.into_any(),
        (true, true) => view! {
            <p>{t!("invitation-confirm-lead")}</p>
            <Form action=Join::PATH hidden=hidden()>
                <Field name="email" label=t!("email") help=t!("invitation-confirm-help") kind="email" required=true autocomplete="username" />
                <Button variant=ButtonVariant::Primary>{t!("invitation-confirm")}</Button>
            </Form>
        }
        .into_any(),
        (true, false) => {
            let email = match invited.email {
                Some(email) => view! { <p>{t!("invitation-address", email = email)}</p> }.into_any(),
                None => view! {
                    <Field name="email" label=t!("email") help=t!("invitation-own-email") kind="email" required=true autocomplete="username" />
                }
                .into_any(),
            };
            view! {
                <h2>{t!("invitation-new")}</h2>
                <Form class="after" action=Join::PATH hidden=hidden()>
                    {email}
                    <Field name="name" label=t!("setup-name") required=true autocomplete="name" />
                    <Password name="password" label=t!("password") help=t!("password-help") autocomplete="new-password" />
                    <Button variant=ButtonVariant::Primary>{t!("invitation-join")}</Button>
                </Form>
            }
            .into_any()
        }
    };
    view! {
        {form}
        <p class="after">{t!("invitation-have-account")}" "<a href=back_from("/sign-in")>{t!("sign-in")}</a></p>
    }
}

/// Returns a sign-in step that returns to the invitation.
fn back_from(step: &str) -> String {
    Address::new(step).with("next", "/invitation").to_string()
}
