//! What of tasks is shipped to the browser: the log viewer.
use leptos::prelude::*;

/// Keeps the lines around where one reads in `#log-lines`, of however many there are; follows the end until one scrolls up,
/// finds, goes to lines, and copies. The bar inside is the server's (`bar.rs`): it is woken, not made anew.
#[island]
pub fn LogView(
    /// The task's address: `/tasks/…`.
    address: String,
    /// Which start of the task the page shows.
    attempt: u32,
    /// The number that the next line gets.
    next: u32,
    /// The line that the page was asked for; 0 for none.
    from: u32,
    /// Whether lines still come.
    live: bool,
    /// The bar.
    children: Children,
) -> impl IntoView {
    #[cfg(target_family = "wasm")]
    Effect::new(move |_| super::viewer::start(address.clone(), attempt, next, from, live));
    #[cfg(not(target_family = "wasm"))]
    let _ = (address, attempt, next, from, live);
    children()
}
