//! Tables: the identifying thing first, in a link that makes the whole row clickable.
use leptos::prelude::*;

/// A table; on narrow screens it scrolls sideways by itself.
#[component]
pub fn Table(
    /// What it lists, for screen readers.
    #[prop(into)]
    caption: String,
    /// The columns' names; an empty one is for buttons.
    headings: Vec<String>,
    /// Rows.
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

/// The first cell of a row: names it, and leads to its page from anywhere in the row.
#[component]
pub fn RowLink(
    /// The page of what the row is about.
    #[prop(into)]
    href: String,
    /// Its name.
    children: Children,
) -> impl IntoView {
    view! {
        <th scope="row">
            <a class="row-link" href=href>
                {children()}
            </a>
        </th>
    }
}
