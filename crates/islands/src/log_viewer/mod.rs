//! Log viewer: a virtual list of a task's output, with search, selection, copy and live updates.
//!
//! Browser events become an `Event`; the `Viewer` handles it, updates the document, and returns the effects that the `Driver`
//! runs (requests, timers, the event stream). Their results are events again.

mod blocks;
mod driver;
mod layout;
mod search;
mod viewer;

use self::{driver::Driver, viewer::Viewer};
use leptos::prelude::*;

pub use self::layout::LINES_PER_BLOCK;

/// The toolbar of the output (its children, rendered by the server), which controls the lines in `#log-lines`.
#[island]
pub fn LogViewer(
    /// The task's path: `/tasks/ID`.
    address: String,
    /// The attempt that the page shows.
    attempt: u32,
    /// The number that the next line gets.
    next: u32,
    /// The line that the page was requested for, or 0.
    from: u32,
    /// Whether the task can still print lines.
    live: bool,
    children: Children,
) -> impl IntoView {
    Effect::new(move |_| {
        if let Some(viewer) = Viewer::new(address.clone(), attempt, next, from, live) {
            Driver::start(viewer, live);
        }
    });
    children()
}
