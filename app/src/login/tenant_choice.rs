//! The choice of a tenant, for people whose password belongs to accounts of several tenants.
use super::actions::ChooseTenant;
use crate::{
    outcome::{Kind, Refusal},
    ui::{Address, Button, Form, PageFuture, ctx, own_path, plain, status},
};
use auth::ChoosableTenant;
use leptos::{prelude::*, server_fn::ServerFn};

/// `/sign-in/tenant`; without a choice to make, redirects to the sign-in page.
pub fn choose_tenant() -> PageFuture {
    plain(t!("tenant-choice-title"), tenants)
}

async fn tenants() -> Result<AnyView, Refusal> {
    let next = own_path(ctx::here().get("next"));
    let sign_in = Address::new("/sign-in").with("next", next.clone()).to_string();
    let tenants = match ctx::sign_in()?.choosable_tenants().await.map_err(Refusal::from) {
        Ok(tenants) => tenants,
        Err(refusal) if refusal.kind == Kind::SignedOut => {
            status::go_to(&sign_in);
            return Ok(().into_any());
        }
        Err(refusal) => return Err(refusal),
    };
    let form = |ChoosableTenant { id, name }| {
        view! {
            <Form action=ChooseTenant::PATH hidden=vec![("tenant", id.to_string()), ("next", next.clone())]>
                <Button>{t!("tenant-choice-sign-in", tenant = name)}</Button>
            </Form>
        }
    };
    Ok(view! {
        <div class="stack">
            <p class="lead">{t!("tenant-choice-lead")}</p>
            {tenants.into_iter().map(form).collect_view()}
            <p><a href=sign_in>{t!("tenant-choice-other")}</a></p>
        </div>
    }
    .into_any())
}
