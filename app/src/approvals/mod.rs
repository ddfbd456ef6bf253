//! Approval requests: the queue, the page of one request and its decision card.

pub mod actions;
mod badge;
mod card;
mod changes;
pub mod confirmation;
mod diff;
pub mod pages;
pub mod settings;
