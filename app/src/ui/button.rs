//! Buttons, and links that look like them.
use leptos::prelude::*;

/// How much a button calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// The one thing that the page or form is for.
    Main,
    /// One thing among others.
    #[default]
    Plain,
    /// It destroys something.
    Danger,
}

impl Look {
    /// The class that goes with it.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Main => "button button-main",
            Self::Plain => "button",
            Self::Danger => "button button-danger",
        }
    }
}

/// A button that sends its form.
#[component]
pub fn Button(
    /// How much it calls.
    #[prop(optional)]
    look: Look,
    /// A field to send with the form, when it has several buttons.
    #[prop(optional, into)]
    name: Option<String>,
    /// That field's value.
    #[prop(optional, into)]
    value: Option<String>,
    /// What it says to screen readers where the visible word alone would not do.
    #[prop(optional, into)]
    label: Option<String>,
    /// What it says.
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
pub fn LinkButton(
    /// Where to.
    #[prop(into)]
    href: String,
    /// How much it calls.
    #[prop(optional)]
    look: Look,
    /// What it says.
    children: Children,
) -> impl IntoView {
    view! {
        <a class=look.class() href=href>
            {children()}
        </a>
    }
}
