//! Every SQL statement: one text, two databases. Nothing outside this crate sees a pool or a table.
//!
//! The doors are [`Store::read`] and [`Store::write`], each for one actor and so for one tenant. What has to look
//! across tenants stands in [`system`].

mod account_events;
mod addresses;
mod approvals;
mod audit;
mod column;
mod conn;
mod devices;
mod error;
mod events;
mod factors;
mod filter;
mod keys;
mod lately;
mod leases;
mod links;
mod log;
mod mail;
mod open;
mod organisations;
mod passkeys;
mod passwords;
mod people;
mod precedents;
mod recovery;
mod rules;
mod runners;
mod sealed;
mod search;
mod seed;
mod sessions;
pub mod system;
mod tasks;
mod tenant_key;
mod throttle;
mod transfer;
mod writer;

pub use account_events::AccountEvent;
pub use approvals::{Approval, ApprovalFilter, Decision};
pub use audit::{AuditFilter, AuditRow};
pub use conn::{Read, Write};
pub use error::{Error, Result};
pub use events::{Event, Topic};
pub use factors::{Factors, TotpSecret};
pub use filter::Page;
pub use keys::ApiKey;
pub use lately::{Ended, LOOKED_AT};
pub use leases::{Assignment, Claimed, LEASE, Lease};
pub use log::{Found, LogPage};
pub use mail::Mail;
pub use open::{Clock, Settings, Store};
pub use organisations::{Member, Organisation};
pub use passkeys::{NewPasskey, Passkey, PasskeyRow};
pub use people::{Membership, Person};
pub use precedents::Precedent;
pub use rules::VersionedRules;
pub use runners::{EnrolledRunner, Enrolment, Runner};
pub use sealed::MasterKey;
pub use sessions::{NewSession, Session, SessionRow};
pub use system::{Credential, DueMail, KeyHolder, System};
pub use tasks::{Counts, Progress, Submitted, Task, TaskFilter, TaskRow};
pub use transfer::transfer;
