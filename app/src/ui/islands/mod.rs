//! What of the components is shipped to the browser. Texts come as properties.

#[cfg(target_family = "wasm")]
mod clock;
mod copy;
#[cfg(target_family = "wasm")]
pub mod dom;
#[cfg(target_family = "wasm")]
mod follow;
mod key_switch;
#[cfg(target_family = "wasm")]
mod keyboard;
#[cfg(target_family = "wasm")]
mod merge;
mod palette;
mod show_password;
mod theme;
mod watch;

pub use self::{
    copy::{Copy, CopyProps},
    key_switch::{KeySwitch, KeySwitchProps},
    palette::{Palette, PaletteProps},
    show_password::{ShowPassword, ShowPasswordProps},
    theme::{ThemeSwitch, ThemeSwitchProps},
    watch::{Watch, WatchProps},
};

/// True once an island is awake in the browser: what needs JavaScript is hidden until then.
pub fn awake() -> leptos::prelude::ReadSignal<bool> {
    use leptos::prelude::*;
    let (awake, wake) = signal(false);
    Effect::new(move |_| wake.set(true));
    awake
}
