//! QR codes that an authenticator app scans.
use leptos::prelude::*;
use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write;

/// The quiet zone, in modules.
const QUIET_ZONE: i32 = 4;

/// A QR code; nothing if the text is too long for one, because the page also shows the text.
#[component]
pub(super) fn Qr(
    text: String,
    /// The text alternative.
    label: String,
) -> impl IntoView {
    let code = QrCode::encode_text(&text, QrCodeEcc::Medium).ok()?;
    let side = code.size() + 2 * QUIET_ZONE;
    Some(view! {
        <svg class="qr" viewBox=format!("0 0 {side} {side}") role="img" aria-label=label shape-rendering="crispEdges">
            <rect width=side height=side fill="#fff" />
            <path d=path(&code) fill="#000" />
        </svg>
    })
}

fn path(code: &QrCode) -> String {
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            let _ = write!(path, "M{} {}h1v1h-1z", x + QUIET_ZONE, y + QUIET_ZONE); // writing to a String cannot fail
        }
    }
    path
}
