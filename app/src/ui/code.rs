//! Code and untrusted text: digests, scripts, and names with their hidden characters made visible.
use super::escape::escape_rcdata;
use domain::text::{Piece, reveal};
use islands::Copy;
use leptos::prelude::*;

/// A digest in groups of eight digits, four per line, for comparison by eye; it is copied in one piece.
#[component]
pub fn Digest(
    /// Hexadecimal digits.
    #[prop(into)]
    hex: String,
) -> impl IntoView {
    view! {
        <span class="digest">
            <code>{groups(&hex).into_iter().map(|group| view! { <span>{group}</span> }).collect_view()}</code>
            <Copy text=hex label=t!("copy") done=t!("copied") />
        </span>
    }
}

fn groups(hex: &str) -> Vec<String> {
    let digits: Vec<char> = hex.chars().collect();
    digits.chunks(8).map(|group| group.iter().collect()).collect()
}

/// One line of untrusted text, with hidden characters marked.
#[component]
pub fn UntrustedText(#[prop(into)] text: String) -> impl IntoView {
    mark_hidden(&text)
}

fn mark_hidden(line: &str) -> AnyView {
    let piece = |piece| match piece {
        Piece::Plain(text) => text.into_any(),
        Piece::Hidden(name) => {
            let title = t!("hidden-character", name = name.clone());
            view! { <mark class="hidden-character" title=title>{name}</mark> }.into_any()
        }
    };
    let mut pieces = reveal(line).into_iter();
    match (pieces.next(), pieces.next()) {
        (None, _) => ().into_any(),
        (Some(only), None) => piece(only),
        (Some(first), Some(second)) => [first, second].into_iter().chain(pieces).map(piece).collect_view().into_any(),
    }
}

/// Untrusted text in numbered lines, with hidden characters marked.
#[component]
pub fn Source(
    #[prop(into)] text: String,
    /// The accessible name.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    // Only line feeds separate lines: a carriage return before one is shown, because a shell reads it.
    let body = text.strip_suffix('\n').unwrap_or(&text);
    // A string instead of views, because the text may have many thousand lines.
    let mut lines = String::with_capacity(body.len() * 2);
    for line in body.split('\n') {
        lines.push_str("<li><code>");
        for piece in reveal(line) {
            match piece {
                Piece::Plain(text) => lines.push_str(&escape_rcdata(&text)),
                Piece::Hidden(name) => {
                    // The name needs no escaping: it is `U+` and digits.
                    let title = t!("hidden-character", name = name.clone());
                    for part in ["<mark class=\"hidden-character\" title=\"", &title, "\">", &name, "</mark>"] {
                        lines.push_str(part);
                    }
                }
            }
        }
        lines.push_str("</code></li>");
    }
    view! {
        <div class="source" role="region" aria-label=label tabindex="0">
            <ol inner_html=lines></ol>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_shown_in_groups_of_eight() {
        assert_eq!(groups("0123456789abcdef01"), ["01234567", "89abcdef", "01"]);
    }

    #[test]
    fn d_04_hidden_characters_in_a_script_are_shown_by_name() {
        let html = view! { <Source text="a\u{202e}<b>\r\nc\n" label="Script" /> }.to_html().replace("<!>", "");
        assert!(html.contains(">U+202E</mark>") && html.contains(">U+000D</mark>"), "{html}");
        assert!(html.contains("&lt;b>") && !html.contains("<b>"), "{html}");
        assert_eq!(html.matches("<li>").count(), 2);
    }
}
