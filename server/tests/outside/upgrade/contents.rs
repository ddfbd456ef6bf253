//! Contents of a fixture: the credentials and ids that the tests of later versions need. A field that a later version adds needs a
//! default, because the fixtures of earlier versions never change.
use crate::people::Person;
use serde::{Deserialize, Serialize};

/// The name of the runner that is enrolled besides the local ones.
pub const RUNNER: &str = "build-1";

/// What a fixture contains. Every account has [`crate::people::PASSWORD`].
#[derive(Debug, Deserialize, Serialize)]
pub struct Contents {
    /// The version of the programs that made it.
    pub version: String,
    /// When its server was stopped, in seconds since 1970.
    pub stopped_at: u64,
    /// An admin of the tenant acme.
    pub adam: Person,
    /// A member with an authenticator app, who submitted all tasks of acme.
    pub mia: Person,
    /// An approver.
    pub ada: Person,
    /// A member of the tenant bolt.
    pub bea: Person,
    /// The secret of Mia's authenticator app in Base32.
    pub totp_secret: String,
    /// The cookie of a session of Ada.
    pub session: String,
    /// Ended tasks of acme.
    pub ended: Vec<EndedTask>,
    /// A task of Mia in the queue.
    pub queued: String,
    /// A task of Mia that waits for an approval.
    pub waiting: String,
    /// A task of Bea that succeeded.
    pub of_bolt: String,
}

/// A task that ended.
#[derive(Debug, Deserialize, Serialize)]
pub struct EndedTask {
    pub id: String,
    pub title: String,
    pub state: String,
    pub request_digest: String,
    pub output: String,
    pub has_receipt: bool,
}
