//! Every SQL statement of the product: one text for two databases. No other crate sees a pool or a table.
//!
//! [`Store::read`] and [`Store::write`] open a snapshot or a transaction for one actor, and so for one tenant. Statements that
//! look across tenants are in [`system`].
//!
//! # Code map
//!
//! - `db`: connections, transactions, group commit, events, column types
//! - `error`, `conflict`, `counts`: results that all modules share
//! - `tasks`, `leases`, `log`, `overview`: tasks, the runners' claims on them, their output, and figures about them
//! - `approvals`, `approval_policy`, `confirmations`, `dual_control`, `holds`, `precedents`, `rules`: approval requests, decisions, who may make them, and the rules
//!   that ask for them
//! - `consent`: signatures of judgments and decisions, verified when a runner claims a task
//! - `runners`, `silence`, `placement`: enrollment and state of runners, their silence, and which of them can take a task
//! - `organizations`, `memberships`, `departures`, `join_requests`, `invitations`: organizations and how people join and leave
//! - `people`, `service_accounts`, `access`, `reviews`, `search`: people, their rights, and access reviews
//! - `keys`: API keys, their changes and expiry notices
//! - `browser_sessions`, `passwords`, `links`, `addresses`, `factors`, `passkeys`, `recovery`: signing in
//! - `identities`, `providers`, `admission`: identity providers and linked accounts
//! - `anomalies`, `devices`, `throttle`, `security`, `security_log`, `account_events`: detection and notification of misuse
//! - `emergency`, `break_glass`: emergency actions
//! - `audit`: the audit log and its hash chain
//! - `retention`: retention times, the legal hold, and the deletion of expired data
//! - `mail`: queued mail
//! - `notifications`, `webhooks`: inboxes, and messages to other systems
//! - `metrics`: counters and histograms of this process
//! - `sealed`, `tenant_key`: encryption at rest
//! - `system`: lookups by token, due work, the first start
//! - `seed`, `transfer`, `backup`: synthetic tasks, the move to PostgreSQL, and copies of the SQLite database

#![deny(clippy::print_stdout, clippy::print_stderr)] // they panic if the output cannot be written

mod access;
mod account_events;
mod addresses;
mod admission;
mod anomalies;
mod approval_policy;
mod approvals;
mod audit;
mod audit_verification;
mod backup;
mod break_glass;
mod browser_sessions;
mod checkpoints;
mod confirmations;
mod conflict;
mod consent;
mod counts;
mod db;
mod departures;
mod devices;
mod dual_control;
mod emergency;
mod erasure;
mod error;
mod factors;
mod former_roles;
mod holds;
mod identities;
mod invitations;
mod join_requests;
mod keys;
mod leases;
mod links;
mod log;
mod mail;
mod memberships;
mod metrics;
mod notifications;
mod organizations;
mod overview;
mod passkeys;
mod passwords;
mod pause_detector;
mod people;
mod placement;
mod precedents;
mod providers;
mod quotas;
mod recovery;
mod retention;
mod reviews;
mod role_sql;
mod rules;
mod runners;
mod sealed;
mod search;
mod search_text;
mod security;
mod security_log;
mod seed;
mod service_accounts;
mod silence;
pub mod system;
mod tasks;
mod tenant_key;
mod throttle;
mod transfer;
mod usage;
mod webhooks;

pub use access::{AccessHolder, AccessKey, ResourceRef};
pub use account_events::AccountEvent;
pub use addresses::MailedLink;
pub use anomalies::{AnomalyFilter, AnomalyRow, Arrival};
pub use approval_policy::ApprovalPolicy;
pub use approvals::{Approval, ApprovalFilter, Decider, Decision, DecisionEvidence};
pub use audit::{AuditFilter, AuditRow, Head};
pub use audit_verification::VerifiedLog;
pub use backup::verify_copy;
pub use break_glass::BreakGlass;
pub use browser_sessions::{BrowserSessionRow, MAX_BROWSER_SESSIONS, NewBrowserSession, Session, SignInBasis};
pub use checkpoints::CheckpointRow;
pub use confirmations::Confirmation;
pub use conflict::Conflict;
pub use consent::{UnexplainedStart, VerifiedStarts};
pub use counts::Counts;
pub use db::database_lock::{DatabaseLock, sqlite_file};
pub use db::event::{Event, Topic};
pub use db::event_bus::EventPosition;
pub use db::filter::Page;
pub use db::id::new_id;
pub use db::open::{Clock, Settings, Store, is_initialized};
pub use db::transaction::{Read, Write};
pub use departures::{Departure, ServiceAccountRef};
pub use dual_control::Applied;
pub use emergency::MAX_TASKS_PER_STOP;
pub use error::{Error, Result};
pub use factors::{Factors, TotpSecret};
pub use holds::Hold;
pub use identities::{Identity, NewIdentity, SignInMethods};
pub use invitations::{Invitation, InvitationOffer, NewInvitation};
pub use join_requests::{JoinRequest, JoinableOrganization, OwnJoinRequest, WaitingJoinRequests};
pub use keys::{ApiKey, KEY_EXPIRY_NOTICE, MAX_KEY_OVERLAP};
pub use leases::{Assignment, LEASE, Lease};
pub use log::{LogMatches, LogPage};
pub use mail::Mail;
pub use metrics::{Metrics, metrics};
pub use notifications::{InboxEntry, Preferences};
pub use organizations::{Member, Organization};
pub use overview::{FinishedTasks, MAX_TASKS_SCANNED};
pub use passkeys::{NewPasskey, OwnPublicKey, Passkey, PasskeyHost, PasskeyRow};
pub use pause_detector::MAX_PAUSE;
pub use people::{Membership, Person};
pub use placement::Waiting;
pub use precedents::{Likeness, Precedent};
pub use providers::{ProviderRow, SealedSecret};
pub use quotas::{Limited, Quota, QuotaExceeded, Quotas};
pub use retention::{Expired, LegalHold, MAX_EXPIRED, Retention};
pub use reviews::{Review, ReviewItem};
pub use rules::{MAX_PAST_TASKS, PastTask, RuleNames, RulesVersionRow, VersionedRules};
pub use runners::{EnrolledRunner, Enrollment, Runner};
pub use sealed::MasterKey;
pub use security::RateLimited;
pub use security_log::SecurityLogEntry;
pub use service_accounts::ServiceAccount;
pub use system::{Attempt, Credential, DecryptedProvider, DueDelivery, DueMail, IdentityHolder, KeyHolder, System};
pub use tasks::{
    KEY_REVOKED, LabelSets, OWNER_DEMOTED, OWNER_LEFT, OWNER_LOCKED, Progress, Submitted, Task, TaskFilter, TaskRow,
};
pub use transfer::{return_to_sqlite, transfer};
pub use usage::Usage;
pub use webhooks::{Delivery, SECRET_OVERLAP, TEST_EVENT, Webhook, WebhookSecrets, new_webhook_secret};
