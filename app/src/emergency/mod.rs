//! Emergency actions: freezing the tenant, stopping tasks, ending browser sessions, locking accounts.

pub mod actions;
pub mod pages;
