//! The product's mark, a castle's tower. The favicon in public/ has the same shape.
use leptos::prelude::*;

/// The mark and the product's name.
#[component]
pub(super) fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <path d="M8 0h16a8 8 0 0 1 8 8v16a8 8 0 0 1-8 8H8a8 8 0 0 1-8-8V8a8 8 0 0 1 8-8" />
            <path d="M8 24V8h4v3h2.4V8h3.2v3H20V8h4v16h-5v-4.4a3 3 0 0 0-6 0V24z" />
        </svg>
        {t!("product")}
    }
}
