//! Baselines: the raw limits of this machine that figures are compared with.
pub mod page;
pub mod postgres;
pub mod sandbox;
pub mod sqlite;
