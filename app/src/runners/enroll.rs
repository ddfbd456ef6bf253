//! Runner enrollment: a name, then a one-time token and the command that uses it.
use super::actions::EnrollRunner;
use crate::{
    assets::PublicOrigin,
    outcome::Refusal,
    ui::{Button, ButtonVariant, Field, Form, Page, PageFuture, SecretOnce, Section, ctx, page},
};
use domain::Actor;
use islands::Copy;
use leptos::{prelude::*, server_fn::ServerFn};

/// `/runners/new`, for admins.
pub fn new() -> PageFuture {
    page(enroll)
}

async fn enroll(actor: Actor) -> Result<Page, Refusal> {
    ctx::admins_only(&actor)?;
    let page = Page::new(Section::Runners, t!("runner-new")).lead(t!("runner-new-lead"));
    Ok(page.body(view! {
        <SecretOnce action=EnrollRunner::PATH title=t!("runner-token-title") text=t!("runner-token-text") />
        {command().map(|command| view! { <Command command=command /> })}
        <Form action=EnrollRunner::PATH>
            <Field name="name" label=t!("runner-name") help=t!("runner-name-help") required=true />
            <p class="help">{t!("runner-enroll-consequence")}</p>
            <Button variant=ButtonVariant::Primary>{t!("runner-enroll")}</Button>
        </Form>
    }))
}

/// Returns the command that enrolls the runner. It does not contain the token, which would stay in the shell history and in the
/// process list.
fn command() -> Option<String> {
    let answered =
        ctx::answered().filter(|answered| answered.action == EnrollRunner::PATH && answered.result.is_ok())?;
    let (_, name) = answered.values.iter().find(|(field, _)| field == "name")?;
    let PublicOrigin(origin) = use_context()?;
    Some(command_for(&origin, name.trim()))
}

/// Names are `[a-z0-9-]` and origins are scheme, host and port, so neither needs quotes. Other names are refused before a token
/// exists, and never become part of a command (CVE-2022-36633).
fn command_for(origin: &str, name: &str) -> String {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let name = if plain { name } else { "runner" };
    format!("castellan-runner --server {origin} --name {name} --token-stdin")
}

#[component]
fn Command(command: String) -> impl IntoView {
    view! {
        <section>
            <h2>{t!("runner-command")}</h2>
            <p>{t!("runner-command-text")}</p>
            <p class="secret-value">
                <code>{command.clone()}</code>
                <Copy text=command label=t!("copy") done=t!("copied") />
            </p>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_contains_no_token_and_no_shell_metacharacters() {
        let command = command_for("https://castellan.example.org", "build-1");
        assert_eq!(command, "castellan-runner --server https://castellan.example.org --name build-1 --token-stdin");
        assert!(!command_for("https://castellan.example.org", "x;rm -rf /").contains(';'));
    }
}
