//! Buttons, and links that look like buttons.
use leptos::prelude::*;

/// The emphasis of a button.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// The primary action of a page or form.
    Main,
    #[default]
    Plain,
    /// A destructive action.
    Danger,
}

impl Look {
    pub const fn class(self) -> &'static str {
        match self {
            Self::Main => "button button-main",
            Self::Plain => "button",
            Self::Danger => "button button-danger",
        }
    }
}

/// A submit button.
#[component]
pub fn Button(
    #[prop(optional)] look: Look,
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
        <button class=look.class() type="submit" name=name value=value aria-label=label>
            {children()}
        </button>
    }
}

/// A link that looks like a button.
#[component]
pub fn LinkButton(#[prop(into)] href: String, #[prop(optional)] look: Look, children: Children) -> impl IntoView {
    view! {
        <a class=look.class() href=href>
            {children()}
        </a>
    }
}
