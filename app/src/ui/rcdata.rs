//! Text for the two elements into which Leptos writes it as it is: `title` and `textarea`. What people wrote would end the
//! element there and go on as markup.

/// The text as such an element holds it: references and the end of the element are all that is read there (HTML, 13.1.2.2).
pub(super) fn rcdata(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use leptos::prelude::*;

    #[test]
    fn what_people_wrote_stays_inside() {
        let html = view! { <textarea>{rcdata("</textarea><form action=/> &lt; \"it\" > 'now'")}</textarea> }.to_html();
        assert!(
            html.starts_with("<textarea>&lt;/textarea>&lt;form action=/> &amp;lt; \"it\" > 'now'</textarea>"),
            "{html}"
        );
    }

    #[test]
    fn leptos_does_not_do_it_itself() {
        let html = view! { <textarea>{"<b>".to_owned()}</textarea> }.to_html();
        assert!(html.contains("<b>"), "it does now, and we need not: {html}");
    }
}
