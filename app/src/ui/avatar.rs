//! Avatars: a person's initials. Decorative, because the name accompanies each.
use leptos::prelude::*;

/// The initials of a name in a circle.
#[component]
pub fn Avatar(#[prop(into)] name: String) -> impl IntoView {
    view! { <span class="avatar" aria-hidden="true">{initials(&name)}</span> }
}

/// Returns the first letters of the first and the last word, in capitals. Characters other than letters and digits are skipped.
fn initials(name: &str) -> String {
    let mut letters = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let (first, last) = (letters.next(), letters.next_back());
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_are_letters_of_the_first_and_the_last_word() {
        for (name, expected) in [
            ("Ada", "A"),
            ("grace  brewster hopper", "GH"),
            ("“Mei” (ops)", "MO"),
            ("Łukasz Ćwik", "ŁĆ"),
            ("\u{202e}—", ""),
            ("", ""),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
    }
}
