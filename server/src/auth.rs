//! How a request becomes an actor: sessions of browsers, keys of programs. Nothing else makes one.

mod bearer;
mod browser;
mod cookie;
mod door;
mod password;
mod sessions;

pub use bearer::Program;
pub use browser::{Browser, RECHECK, identify};
pub use cookie::{layer, removal};
pub use door::BrowserDoor;
pub use password::{Hasher, check as check_password};
pub use sessions::Sessions;

use sha2::{Digest, Sha256};

/// The hash under which a secret that somebody shows us is looked up.
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
