//! Canonical requests: everything that changes what a task does, in one exact form (RFC 8785), and its digest.
use crate::{
    Invalid, KeyId, OrganizationId, PersonId, TaskId, TenantId,
    limits::Limits,
    network::Network,
    task::{MAX_ATTEMPTS, Submission, Tool},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt, str::FromStr};

macro_rules! digests {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// Returns the SHA-256 of `bytes`.
            pub fn of(bytes: &[u8]) -> Self {
                Self(Sha256::digest(bytes).into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes)
                    .map(|()| Self(bytes))
                    .map_err(|_| Invalid::new("digest", "must be 64 hexadecimal digits"))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(digest: $name) -> Self {
                digest.to_string()
            }
        }
    )*};
}

digests! {
    /// The digest of a canonical request, which approvals and grants are bound to.
    ///
    /// ```
    /// use domain::request::RequestDigest;
    /// let digest = RequestDigest::of(b"{}");
    /// assert_eq!(digest.to_string().parse(), Ok(digest));
    /// assert!("44136f".parse::<RequestDigest>().is_err());
    /// ```
    RequestDigest,
    /// The digest of a script or another input.
    InputDigest,
    /// The digest of the stored output: its lines as UTF-8, each followed by a line feed.
    OutputDigest,
}

/// A canonical request. Two requests with the same digest do the same.
///
/// Its bytes are approved and signed, so a version of the format never changes. A new version has a number of its own and a reader beside
/// those of the earlier versions, which stay readable and verifiable forever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The version of the format: the first one that has all of its fields, so that each request has one form. Version 2 added `purpose`,
    /// `ticket` and `rerun_of`.
    pub v: u32,
    pub tenant: TenantId,
    pub organization: OrganizationId,
    pub requester: PersonId,
    /// The API key that submitted it; `None` in a browser.
    pub key: Option<KeyId>,
    pub tool: Tool,
    /// The program and its arguments inside the sandbox.
    pub argv: Vec<String>,
    /// The digest of the script that `argv` names.
    pub script_sha256: InputDigest,
    /// The length of the script in bytes.
    pub script_bytes: usize,
    /// The complete environment.
    pub environment: BTreeMap<String, String>,
    pub sandbox: String,
    pub network: Network,
    pub limits: Limits,
    /// The capabilities that a runner needs.
    pub runner: Vec<String>,
    /// The maximum number of starts, should runners disappear.
    pub max_attempts: u32,
    /// 128 random bits in hex, so that two submissions are never the same request.
    pub nonce: String,
    /// Why it should run, for approvers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The URL of a ticket, for approvers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The task that it repeats, for comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<TaskId>,
}

/// The path of the script inside the sandbox.
pub const SCRIPT_PATH: &str = "/run/task/script";

/// The only sandbox profile.
pub const SANDBOX: &str = "bubblewrap/1";

impl Request {
    /// Returns the canonical request of a submission.
    pub fn new(
        submission: &Submission,
        tenant: TenantId,
        requester: PersonId,
        key: Option<KeyId>,
        nonce: [u8; 16],
    ) -> Self {
        let argv = match submission.tool {
            Tool::Bash => ["/bin/bash", "--noprofile", "--norc", SCRIPT_PATH],
        };
        let environment = [
            ("HOME", "/work"),
            ("LANG", "C.UTF-8"),
            ("LOGNAME", "task"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("SHELL", "/bin/bash"),
            ("TERM", "xterm-256color"),
            ("TMPDIR", "/tmp"),
            ("USER", "task"),
        ];
        let request = Self {
            v: 1,
            tenant,
            organization: submission.organization,
            requester,
            key,
            tool: submission.tool,
            argv: argv.map(str::to_owned).to_vec(),
            script_sha256: InputDigest::of(submission.script.as_bytes()),
            script_bytes: submission.script.len(),
            environment: environment.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            sandbox: SANDBOX.into(),
            network: submission.network.clone(),
            limits: submission.limits,
            runner: vec![submission.tool.to_string()],
            max_attempts: MAX_ATTEMPTS,
            nonce: hex::encode(nonce),
            purpose: submission.purpose.clone(),
            ticket: submission.ticket.clone(),
            rerun_of: submission.rerun_of,
        };
        Self { v: request.version(), ..request }
    }

    /// Returns the first version of the format that has all of its fields.
    const fn version(&self) -> u32 {
        match (&self.purpose, &self.ticket, self.rerun_of) {
            (None, None, None) => 1,
            _ => 2,
        }
    }

    /// Returns the canonical JSON (RFC 8785).
    pub fn canonical(&self) -> Vec<u8> {
        canonical(self)
    }

    /// Parses canonical bytes of any version. A non-canonical spelling and unknown fields are errors, because what was approved and
    /// what runs are compared byte for byte.
    pub fn read(bytes: &[u8]) -> Result<Self, Invalid> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u32,
        }
        match serde_json::from_slice(bytes).map_err(|_| invalid("is not a request"))? {
            Versioned { v: 1 | 2 } => Self::read_known(bytes),
            Versioned { v } => Err(invalid(format!("has version {v}, which this program does not know; update it"))),
        }
    }

    /// Version 2 only adds fields, which version 1 cannot have.
    fn read_known(bytes: &[u8]) -> Result<Self, Invalid> {
        let request: Self = serde_json::from_slice(bytes).map_err(|_| invalid("is not a request"))?;
        if request.canonical() != bytes || request.v != request.version() {
            return Err(invalid("is not in its canonical form"));
        }
        Ok(request)
    }
}

fn invalid(reason: impl Into<String>) -> Invalid {
    Invalid::new("request", reason)
}

/// Returns the canonical JSON of a value. It cannot fail for objects with string keys and integers below 2^53.
pub(crate) fn canonical(value: &impl Serialize) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::SubmissionForm;
    use uuid::Uuid;

    fn request(script: &str) -> Request {
        let form: SubmissionForm = serde_json::from_value(serde_json::json!({ "script": script })).unwrap();
        let organization = OrganizationId(Uuid::from_u128(2));
        let submission = form.check(organization).unwrap();
        Request::new(&submission, TenantId(Uuid::from_u128(1)), PersonId(Uuid::from_u128(3)), None, [7; 16])
    }

    #[test]
    fn a_request_round_trips_through_its_canonical_bytes() {
        let bytes = request("echo hi").canonical();
        assert_eq!(Request::read(&bytes).unwrap(), request("echo hi"));
        assert!(bytes.starts_with(br#"{"argv":["/bin/bash""#));
    }

    /// Other fields of the unknown version do not hide the reason.
    #[test]
    fn d_04_an_unknown_version_is_refused_by_its_number() {
        for bytes in [&br#"{"v":3}"#[..], br#"{"steps":[],"v":3}"#, &Request { v: 3, ..request("echo hi") }.canonical()]
        {
            let reason = Request::read(bytes).unwrap_err().reason;
            assert_eq!(reason, "has version 3, which this program does not know; update it");
        }
        for bytes in [&br#"{"v":"1"}"#[..], br#"{"v":-1}"#, br#"{"v":1,"v":1}"#, b"{}", b"[]"] {
            assert_eq!(Request::read(bytes).unwrap_err().reason, "is not a request");
        }
        assert_eq!(Request::read(br#"{"v":1}"#).unwrap_err().reason, "is not a request", "its fields are missing");
    }

    /// A request without the fields of version 2 keeps the bytes that runners of version 0.1.0 verify.
    #[test]
    fn d_04_each_request_has_the_first_version_that_has_its_fields() {
        let (plain, task) = (request("echo hi"), TaskId(Uuid::from_u128(4)));
        assert_eq!(plain.v, 1);
        let text = String::from_utf8(plain.canonical()).unwrap();
        assert!(!text.contains("purpose") && !text.contains("ticket") && !text.contains("rerun_of"), "{text}");
        let with = |change: fn(&mut Request)| {
            let mut request = Request { v: 2, ..plain.clone() };
            change(&mut request);
            request
        };
        let all = [
            with(|request| request.purpose = Some("Certificates expire on Friday".into())),
            with(|request| request.ticket = Some("https://tickets.example/1".into())),
            Request { v: 2, rerun_of: Some(task), ..plain.clone() },
        ];
        for request in all {
            assert_eq!(Request::read(&request.canonical()).unwrap(), request);
            let older = Request { v: 1, ..request }.canonical();
            assert_eq!(Request::read(&older).unwrap_err().reason, "is not in its canonical form");
        }
        let newer = Request { v: 2, ..plain }.canonical();
        assert_eq!(Request::read(&newer).unwrap_err().reason, "is not in its canonical form");
    }

    #[test]
    fn d_04_any_changed_byte_is_another_request_or_none() {
        let bytes = request("echo hi").canonical();
        let digest = RequestDigest::of(&bytes);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_ne!(RequestDigest::of(&changed), digest);
        }
        let mut spaced = bytes.clone();
        spaced.push(b' ');
        assert!(Request::read(&spaced).is_err());
        assert_ne!(RequestDigest::of(&request("echo ho").canonical()), digest);
    }
}
