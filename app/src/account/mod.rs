//! The signed-in person's account: sign-in methods, second factors and account events.

pub mod actions;
pub mod changes;
pub mod links;
pub mod notifications;
pub mod pages;
pub mod sign_in_methods;
