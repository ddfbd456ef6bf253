//! Forms that post to a server function. After an error, submitted values are kept and errors appear at their fields.
use super::{ctx, error_summary::ErrorSummary, form_state::FormState, success_message};
use crate::outcome::PAGE_FIELD;
use leptos::{context::Provider, prelude::*};

/// A form for a server function, with a summary of the errors after a refusal.
#[component]
pub fn Form(
    /// The path of the server function.
    #[prop(into)]
    action: String,
    /// The page of the form, if it is not the current one.
    #[prop(optional, into)]
    page: Option<String>,
    /// Hidden fields; they also distinguish forms of the same action on one page.
    #[prop(optional)]
    hidden: Vec<(&'static str, String)>,
    /// `in-row` for a row of small fields.
    #[prop(optional)]
    class: &'static str,
    children: Children,
) -> impl IntoView {
    let form = FormState::of(&action, &hidden);
    if let Some(answered) = ctx::answered().filter(|_| form.refused()) {
        answered.refusal_shown.mark_shown();
    }
    let page = page.unwrap_or_else(|| ctx::here().without(success_message::FIELD).to_string());
    let (id, error_state) = (form.id.clone(), form.clone());
    let hidden = hidden.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    view! {
        <Provider value=form>
            // The fields render first, because the error summary uses their labels.
            {
                let fields = children();
                view! {
                    <form id=id method="post" action=action class=format!("form {class}") novalidate>
                        <ErrorSummary form=error_state />
                        <input type="hidden" name=PAGE_FIELD value=page />
                        {hidden.collect_view()}
                        {fields}
                    </form>
                }
            }
        </Provider>
    }
}
