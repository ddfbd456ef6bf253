//! Test support shared by the integration tests: databases, a clock, people and records.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod authenticator;
mod cases;
mod clock;
mod database;
mod people;
mod records;
mod signer;

pub use authenticator::{Authenticator, browser_response};
pub use cases::Fixture;
pub use clock::{Clock, START};
pub use database::{Database, Engine, cluster_url, drop_database, psql, settings, sqlite3};
pub use people::{
    ABE, ADA, ADAM, AUDREY, MAX, MIA, OLGA, SAM, TestPerson, VERA, change, create_people, email_address, join, person,
};
pub use records::{enrolled_runner, lease, new_key, receipt};
pub use signer::{signer, successor};
