//! Tables: the first cell contains a link that makes the whole row clickable.
use leptos::prelude::*;

/// A table, which scrolls horizontally on narrow screens.
#[component]
pub fn Table(
    /// The accessible name.
    #[prop(into)]
    caption: String,
    /// The column names; empty for a column of buttons.
    headings: Vec<String>,
    children: Children,
) -> impl IntoView {
    let label = caption.clone();
    let heading = |name: String| match name.is_empty() {
        true => view! { <td></td> }.into_any(),
        false => view! { <th scope="col">{name}</th> }.into_any(),
    };
    view! {
        <div class="table-box" role="region" aria-label=label tabindex="0">
            <table>
                <caption class="sr-only">{caption}</caption>
                <thead>
                    <tr>{headings.into_iter().map(heading).collect_view()}</tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}

/// The first cell of a row: its name, linked to its page.
#[component]
pub fn RowLink(#[prop(into)] href: String, children: Children) -> impl IntoView {
    view! {
        <th scope="row">
            <a class="row-link" href=href>
                {children()}
            </a>
        </th>
    }
}
