//! Forms that post to a server function. After an error, submitted values are kept and errors appear at their fields.
use super::{ctx, error_summary::ErrorSummary, form_state::FormState, live::Changing, success_message};
use crate::outcome::PAGE_FIELD;
use leptos::{context::Provider, prelude::*};

/// The hidden field with a random value of the page, by which a form that is submitted twice is recognized.
pub const ONCE_FIELD: &str = "_once";

/// A random value of the page; the server provides it.
#[derive(Clone, Debug)]
pub struct PageToken(pub String);

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
    // A region that changes by itself is compared with its next version, which has another value.
    let once = use_context::<PageToken>().filter(|_| use_context::<Changing>().is_none());
    let once = once.map(|PageToken(value)| view! { <input type="hidden" name=ONCE_FIELD value=value /> });
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
                        {once}
                        {hidden.collect_view()}
                        {fields}
                    </form>
                }
            }
        </Provider>
    }
}
