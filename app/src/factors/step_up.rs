//! Step-up authentication (`/prove`): confirms the person's identity and then continues what they were doing.
use super::{actions::StepUp, passkeys::PasskeyFields};
use crate::{
    login::{expired_form::ExpiredForm, pages::with_provider},
    outcome::{Answered, Refusal},
    ui::{Address, Button, ButtonVariant, Field, Form, LinkButton, PageFuture, Password, ctx, own_path, plain, status},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// `/prove`: the page itself, or the response to a form that needs step-up authentication.
pub fn step_up() -> PageFuture {
    plain(t!("confirm-identity-title"), form)
}

async fn form() -> Result<AnyView, Refusal> {
    let next = own_path(ctx::here().get("next"));
    // The pending form is submitted again from here, with all of its values, to its original action.
    let waiting = ctx::answered().filter(|answered| answered.action != StepUp::PATH && answered.result.is_err());
    let Ok(actor) = ctx::actor() else {
        let sign_in = Address::new("/sign-in").with("next", next.clone()).to_string();
        if let Some(answered) = waiting {
            return Ok(view! { <ExpiredForm answered=answered page=next leave=sign_in /> }.into_any());
        }
        status::go_to(&sign_in);
        return Ok(().into_any());
    };
    let providers = ctx::sign_in()?.sign_in_options(Some(actor.tenant)).await?.providers;
    let buttons = providers.into_iter().map(|way| {
        let href = with_provider(&way, &next);
        view! { <LinkButton href=href>{t!("sign-in-with", provider = way.label)}</LinkButton> }
    });
    let buttons = buttons.collect_view();
    let factors = ctx::store()?.read(&actor).await?.factors().await?;
    let (action, hidden) = match waiting {
        Some(Answered { action, values, .. }) => (action, values),
        None => (StepUp::PATH.to_owned(), vec![("next".to_owned(), next.clone())]),
    };
    let values = hidden.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    Ok(view! {
        <p class="lead">{t!("confirm-identity-lead")}</p>
        <Form action=action page=next.clone()>
            {values.collect_view()}
            <Password name="proof_password" label=t!("password") autocomplete="current-password" may_be_empty=true />
            {factors.totp.map(|_| view! {
                <Field name="proof_code" label=t!("confirm-identity-code") help=t!("confirm-identity-code-help") autocomplete="one-time-code" />
            })}
            <div class="form-buttons">
                <Button variant=ButtonVariant::Primary>{t!("confirm-identity-do")}</Button>
                {(!factors.passkeys.is_empty()).then(|| view! {
                    <PasskeyFields purpose="show" prefix="proof_" label=t!("passkey-show") />
                })}
            </div>
        </Form>
        <p class="ways">{buttons}</p>
        <p class="after"><a href=next>{t!("confirm-identity-back")}</a></p>
    }
    .into_any())
}
