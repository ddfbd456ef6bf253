//! The log viewer in the browser: of however many lines, those around where one reads are on the page.

#[cfg(target_family = "wasm")]
mod bar;
#[cfg(target_family = "wasm")]
mod blocks;
#[cfg(target_family = "wasm")]
mod chosen;
#[cfg(target_family = "wasm")]
mod copy;
#[cfg(target_family = "wasm")]
mod find;
#[cfg(target_family = "wasm")]
mod layout;
#[cfg(target_family = "wasm")]
mod line;
#[cfg(target_family = "wasm")]
mod marks;
pub mod space;
#[cfg(target_family = "wasm")]
mod state;
#[cfg(target_family = "wasm")]
mod stream;

#[cfg(target_family = "wasm")]
pub use self::state::start;
