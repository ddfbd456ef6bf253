//! The wasm file: links the islands of `app` in and wakes them on a page that the server rendered.

// Without this line the linker sees no use of `app`, and the islands vanish silently.
use app as _;

/// Called by the page once the wasm file is loaded.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
