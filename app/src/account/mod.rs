//! One's own account: how one signs in, and what happened with it.

pub mod actions;
pub mod changes;
pub mod links;
pub mod notifications;
pub mod pages;
pub mod sign_in_methods;
