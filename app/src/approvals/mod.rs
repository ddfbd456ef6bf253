//! Approval requests: the queue, the page of one request and its decision card.

pub mod actions;
mod card;
mod changes;
mod difference;
pub mod pages;
