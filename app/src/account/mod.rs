//! The signed-in person's account: sign-in methods, second factors and account events.

pub mod actions;
pub mod credentials;
pub mod events;
pub mod pages;
pub mod sign_in_methods;
pub mod unlink;
mod usage;
