//! WebAssembly entry point: links the islands and hydrates those on the page.

// Without this line the linker drops the islands silently.
use islands as _;

/// Hydrates the islands of the page; the page calls it after loading the wasm file.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
