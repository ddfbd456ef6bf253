//! Islands: the components that run in the browser. The server renders them, and they take their texts as properties.
//!
//! The same source is compiled twice: into the server (feature `ssr`), where event handlers and effects never run, and into
//! the wasm file (feature `hydrate`). Code that calls the browser therefore needs no conditional compilation.

mod copy;
mod dom;
mod event_stream;
mod fetch;
mod key_switch;
mod keyboard;
mod live_regions;
mod log_viewer;
mod palette;
mod passkey_button;
mod preferences;
mod region_content;
mod relative_time;
mod show_password;
mod stream_slot;
mod theme;
mod unsaved_edits;
mod waiting_count;
mod watch;
mod webauthn;

pub use self::{
    copy::{Copy, CopyProps},
    key_switch::{KeySwitch, KeySwitchProps},
    log_viewer::{LINES_PER_BLOCK, LogViewer, LogViewerProps},
    palette::{Palette, PaletteProps},
    passkey_button::{PasskeyButton, PasskeyButtonProps},
    show_password::{ShowPassword, ShowPasswordProps},
    theme::{ThemeSwitch, ThemeSwitchProps},
    unsaved_edits::{UnsavedEdits, UnsavedEditsProps},
    waiting_count::{WaitingCount, WaitingCountProps},
    watch::{Watch, WatchProps},
};

use leptos::prelude::*;

/// Returns a signal that becomes true once the island is hydrated. Controls that need JavaScript are hidden until then.
fn hydrated() -> ReadSignal<bool> {
    let (hydrated, set_hydrated) = signal(false);
    Effect::new(move |_| set_hydrated.set(true));
    hydrated
}
