//! Copying lines as they are read: those that were chosen, or all.
use super::{bar, state};
use crate::ui::islands::dom;
use js_sys::futures::spawn_local;

/// Copies, and says when it is done.
pub fn copy() {
    let address = state::with(|viewer| {
        let all = format!("{}/log?attempt={}&plain=true", viewer.address, viewer.attempt);
        match viewer.chosen {
            Some(chosen) => format!("{all}&from={}&to={}", chosen.first, chosen.last),
            None => all,
        }
    });
    let Some(address) = address else { return };
    spawn_local(async move {
        if let Ok(text) = dom::fetch_text(&address).await {
            dom::copy(text, || bar::say("log-copy", "done", &[]));
        }
    });
}
