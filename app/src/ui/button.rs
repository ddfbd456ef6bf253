//! Buttons, and links that look like buttons.
use leptos::prelude::*;

/// The visual emphasis of a button.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonVariant {
    /// The primary action of a page or form.
    Primary,
    #[default]
    Secondary,
    /// A destructive action.
    Danger,
}

impl ButtonVariant {
    pub const fn class(self) -> &'static str {
        match self {
            Self::Primary => "button button-main",
            Self::Secondary => "button",
            Self::Danger => "button button-danger",
        }
    }
}

/// A submit button.
#[component]
pub fn Button(
    #[prop(optional)] variant: ButtonVariant,
    /// A field to submit, for forms with several buttons.
    #[prop(optional, into)]
    name: Option<String>,
    #[prop(optional, into)] value: Option<String>,
    /// The accessible name, if the visible text is not enough.
    #[prop(optional, into)]
    label: Option<String>,
    children: Children,
) -> impl IntoView {
    view! {
        <button class=variant.class() type="submit" name=name value=value aria-label=label>
            {children()}
        </button>
    }
}

/// A link that looks like a button.
#[component]
pub fn LinkButton(
    #[prop(into)] href: String,
    #[prop(optional)] variant: ButtonVariant,
    children: Children,
) -> impl IntoView {
    view! {
        <a class=variant.class() href=href>
            {children()}
        </a>
    }
}
