//! Approvals: may exactly this run?

pub mod actions;
#[cfg(feature = "ssr")]
mod card;
#[cfg(feature = "ssr")]
mod changes;
#[cfg(feature = "ssr")]
mod difference;
#[cfg(feature = "ssr")]
pub mod pages;
