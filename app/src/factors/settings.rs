//! The second-factor policy page for admins.
use super::actions::SetPolicy;
use crate::{
    outcome::Refusal,
    ui::{Button, ButtonVariant, Choice, Form, Page, PageFuture, Section, Select, ctx, page},
};
use domain::Actor;
use leptos::{prelude::*, server_fn::ServerFn};

/// `/settings/second-factors`, for admins.
pub fn policy() -> PageFuture {
    page(settings)
}

async fn settings(actor: Actor) -> Result<Page, Refusal> {
    ctx::admins_only(&actor)?;
    let everybody = ctx::store()?.read(&actor).await?.factor_policy().await?;
    let choices = vec![Choice::new("nobody", t!("policy-nobody")), Choice::new("everybody", t!("policy-everybody"))];
    Ok(Page::new(Section::SecondFactors, t!("policy-title")).lead(t!("policy-lead")).body(view! {
        <Form action=SetPolicy::PATH>
            <Select
                name="who" label=t!("policy-who") help=t!("policy-help") choices=choices
                value=if everybody { "everybody" } else { "nobody" }
            />
            <p class="help">{t!("policy-consequence")}</p>
            <Button variant=ButtonVariant::Primary>{t!("policy-set")}</Button>
        </Form>
    }))
}
