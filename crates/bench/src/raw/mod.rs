//! What this machine can do without us: the limits that figures are held against.
pub mod page;
pub mod postgres;
pub mod sandbox;
pub mod sqlite;
