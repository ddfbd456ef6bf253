//! HTML escaping for `title` and `textarea` (RCDATA), whose text Leptos does not escape: text from people could close the element
//! and continue as markup.

/// Escapes text for RCDATA, where only character references and the end tag are special (HTML, 13.1.2.2).
pub(super) fn escape_rcdata(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use leptos::prelude::*;

    #[test]
    fn text_cannot_close_the_element() {
        let html =
            view! { <textarea>{escape_rcdata("</textarea><form action=/> &lt; \"it\" > 'now'")}</textarea> }.to_html();
        assert!(
            html.starts_with("<textarea>&lt;/textarea>&lt;form action=/> &amp;lt; \"it\" > 'now'</textarea>"),
            "{html}"
        );
    }

    #[test]
    fn leptos_does_not_escape_it() {
        let html = view! { <textarea>{"<b>".to_owned()}</textarea> }.to_html();
        assert!(html.contains("<b>"), "it does now, and we need not: {html}");
    }
}
