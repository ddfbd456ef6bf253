//! The error summary at the top of a form, with a link to each field.
use super::form_state::{FormState, Problem};
use leptos::prelude::*;

/// The error summary, which receives the focus.
#[component]
pub(super) fn ErrorSummary(form: FormState) -> impl IntoView {
    form.problems().map(|(message, problems)| {
        let (title, count) = (format!("{}-errors", form.id), problems.len());
        let line = |Problem { href, text }: Problem| match href {
            Some(href) => view! { <li><a href=href>{text}</a></li> }.into_any(),
            None => view! { <li>{text}</li> }.into_any(),
        };
        view! {
            <div class="errors" role="alert" tabindex="-1" autofocus aria-labelledby=title.clone()>
                <p id=title.clone()>{message.unwrap_or_else(|| t!("errors-title", n = count))}</p>
                {(count > 0).then(|| view! { <ul>{problems.into_iter().map(line).collect_view()}</ul> })}
            </div>
        }
    })
}
