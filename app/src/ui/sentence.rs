//! Message with a component in place of a Fluent argument.
use leptos::prelude::*;

/// Value of the argument that [`Sentence`] replaces: the object replacement character of Unicode.
pub const PLACEHOLDER: &str = "\u{FFFC}";

/// A message with its child in place of [`PLACEHOLDER`], so that a translation decides where the child appears.
#[component]
pub fn Sentence(text: String, children: Children) -> impl IntoView {
    let (before, after) = split(&text);
    view! { {before} {children()} {after} }
}

/// Returns the texts before and after the placeholder. A message without one is followed by the child.
fn split(text: &str) -> (String, String) {
    match text.split_once(PLACEHOLDER) {
        Some((before, after)) => (before.to_owned(), after.to_owned()),
        None => (format!("{text} "), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_child_appears_where_the_message_has_its_argument() {
        let parts = |before: &str, after: &str| (before.to_owned(), after.to_owned());
        assert_eq!(split(&t!("emergency-locked", ago = PLACEHOLDER)), parts("This account is locked. Locked ", "."));
        assert_eq!(split("Locked"), parts("Locked ", ""));
    }
}
