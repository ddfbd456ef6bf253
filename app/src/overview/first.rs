//! The first task of a deployment that has none: one button, and one sees everything work.
use crate::{
    tasks::actions::SubmitTask,
    token::Token,
    ui::{Button, Form, LinkButton, Look, Source},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// What it runs: sealed, a few seconds, and it shows what a task sees.
const SCRIPT: &str = r#"printf 'Hello from a sealed sandbox.\n\n'
printf 'Who am I?       %s\n' "$(id)"
printf 'Where am I?     %s\n' "$(pwd)"
printf 'What do I see?  %s\n' "$(ls -x /)"
printf 'Any secrets?    %s variables: %s\n' "$(env | wc -l)" "$(env | cut -d= -f1 | sort | tr '\n' ' ')"
printf '\nIs there a network? '
if (exec 3<>/dev/tcp/192.0.2.1/80) 2>/dev/null; then printf '\033[31myes\033[0m\n'; else printf '\033[32mno\033[0m\n'; fi
for n in 3 2 1; do printf '%s …\n' "$n"; sleep 1; done
printf '\033[1;32mDone.\033[0m\n'
"#;

/// The offer.
#[component]
pub fn FirstTask() -> impl IntoView {
    let once = Token::new("").map(|token| token.text).unwrap_or_default();
    view! {
        <section class="first">
            <h2>{t!("overview-first")}</h2>
            <p>{t!("overview-first-text")}</p>
            <details>
                <summary>{t!("overview-first-script")}</summary>
                <Source text=SCRIPT label=t!("overview-first-script") />
            </details>
            <Form action=SubmitTask::PATH>
                <input type="hidden" name="script" value=SCRIPT />
                <input type="hidden" name="title" value=t!("overview-first-title") />
                <input type="hidden" name="once" value=once />
                <div class="form-buttons">
                    <Button look=Look::Main>{t!("overview-first-run")}</Button>
                    <LinkButton href="/tasks/new">{t!("overview-first-own")}</LinkButton>
                </div>
            </Form>
        </section>
    }
}
