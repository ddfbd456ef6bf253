//! Preferences that are stored in the browser (local storage).
use crate::dom;

/// `off` disables single-letter keyboard shortcuts.
const SINGLE_KEYS: &str = "keys";

/// `light` or `dark`. The script in the page's head (`app/src/document.rs`) reads it too.
const THEME: &str = "theme";

/// Returns whether single-letter keyboard shortcuts are on, which is the default.
pub fn single_key_shortcuts() -> bool {
    load(SINGLE_KEYS).is_none_or(|value| value != "off")
}

/// Turns single-letter keyboard shortcuts on or off.
pub fn set_single_key_shortcuts(enabled: bool) {
    store(SINGLE_KEYS, if enabled { "on" } else { "off" });
}

/// Returns `light`, `dark`, or an empty string for the system's setting.
pub fn theme() -> String {
    load(THEME).unwrap_or_default()
}

/// Stores the theme and applies it to the page.
pub fn set_theme(theme: &str) {
    store(THEME, theme);
    if let Some(root) = dom::document().and_then(|document| document.document_element()) {
        let _ = match theme {
            "" => root.remove_attribute("data-theme"),
            _ => root.set_attribute("data-theme", theme),
        };
    }
}

fn load(name: &str) -> Option<String> {
    dom::window()?.local_storage().ok()??.get_item(name).ok()?
}

fn store(name: &str, value: &str) {
    if let Some(Ok(Some(storage))) = dom::window().map(|window| window.local_storage()) {
        let _ = storage.set_item(name, value);
    }
}
