//! Every SQL statement: one text, two databases. Nothing outside this crate sees a pool or a table.
//!
//! The doors are [`Store::read`] and [`Store::write`], each for one actor and so for one tenant. What has to look
//! across tenants stands in [`system`].

mod admission;
mod approvals;
mod audit;
mod break_glass;
mod column;
mod conn;
mod error;
mod events;
mod filter;
mod identities;
mod keys;
mod lately;
mod leases;
mod links;
mod log;
mod open;
mod organisations;
mod people;
mod precedents;
mod providers;
mod rules;
mod runners;
mod sealed;
mod search;
mod seed;
mod sessions;
pub mod system;
mod tasks;
mod throttle;
mod transfer;
mod writer;

pub use approvals::{Approval, ApprovalFilter, Decision};
pub use audit::{AuditFilter, AuditRow};
pub use break_glass::BreakGlass;
pub use conn::{Read, Write};
pub use error::{Error, Result};
pub use events::{Event, Topic};
pub use filter::Page;
pub use identities::{Identity, NewIdentity, WaysIn};
pub use keys::ApiKey;
pub use lately::{Ended, LOOKED_AT};
pub use leases::{Assignment, Claimed, LEASE, Lease};
pub use log::{Found, LogPage};
pub use open::{Clock, Settings, Store};
pub use organisations::{Member, Organisation};
pub use people::{Membership, Person};
pub use precedents::Precedent;
pub use providers::{ProviderRow, SealedSecret};
pub use rules::VersionedRules;
pub use runners::{EnrolledRunner, Enrolment, Runner};
pub use sealed::MasterKey;
pub use sessions::{NewSession, Session, SessionRow};
pub use system::{Credential, IdentityHolder, KeyHolder, OpenProvider, System};
pub use tasks::{Counts, Progress, Submitted, Task, TaskFilter, TaskRow};
pub use transfer::transfer;
