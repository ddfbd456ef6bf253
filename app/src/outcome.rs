//! What a server function answers: where to go on, or why not. The browser may see all of it.
use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// How a change that a browser asked for went well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// Show the page that the form stands on again.
    Stay,
    /// Go on to this path of ours.
    GoTo(String),
    /// Show what was found out, on the page that the form stands on.
    Found(String),
    /// Show this secret once, on the page that the form stands on.
    Secret(String),
}

/// What kind of refusal it is; each has one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 422: something in the form is not as it must be.
    Invalid,
    /// 401: sign in first.
    SignedOut,
    /// 403: not allowed.
    Forbidden,
    /// 403: allowed, after a fresh proof of who one is.
    Stale,
    /// 404: no such thing, or not for this person.
    NotFound,
    /// 409: it is not any more what was shown.
    Conflict,
    /// 429: too many attempts.
    TooMany,
    /// 503: something that it needs does not work now.
    Unavailable,
}

/// The one error that a browser sees.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Refusal {
    /// What kind.
    pub kind: Kind,
    /// What, why, what next: one or two sentences.
    pub message: String,
    /// The fields that are wrong, if any, each with what is allowed.
    pub fields: Vec<domain::Invalid>,
    /// After how many seconds it is worth another try, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u64>,
}

impl Refusal {
    /// A refusal without fields.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), fields: vec![], wait: None }
    }

    /// That somebody has to wait for so many seconds.
    pub fn wait(seconds: u64) -> Self {
        let message = format!("Too many attempts. Wait {seconds} seconds and try again.");
        Self { wait: Some(seconds), ..Self::new(Kind::TooMany, message) }
    }
}

impl From<domain::Invalid> for Refusal {
    fn from(invalid: domain::Invalid) -> Self {
        Self { kind: Kind::Invalid, message: invalid.to_string(), fields: vec![invalid], wait: None }
    }
}

impl FromServerFnError for Refusal {
    type Encoder = JsonEncoding;

    /// The framework's own errors are about requests that no form of ours sends; what they say stays inside.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::new(Kind::Invalid, "The form was not complete. Load the page again and fill it in.")
            }
            ServerFnErrorErr::Request(_) => {
                Self::new(Kind::Unavailable, "The server did not answer. Check the connection and try again.")
            }
            _ => Self::new(Kind::Unavailable, "The server could not do this now. Try again in a moment."),
        }
    }
}

/// A form that was answered without leaving its page: what the page shows when it is rendered in reply.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The path of the server function that the form was sent to.
    pub action: String,
    /// What was typed, to be kept after an error. Passwords are not among it.
    pub values: Vec<(String, String)>,
    /// Why not, or the secret to show once.
    pub result: Result<String, Refusal>,
    /// Whether something on the page said so already.
    pub said: Said,
}

/// Whether a page said why a form was refused: the form itself, where it still stands there, or else the page at its head.
#[derive(Clone, Debug, Default)]
pub struct Said(std::sync::Arc<std::sync::atomic::AtomicBool>);

impl Said {
    /// It does now.
    pub fn note(&self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Whether it did.
    pub fn already(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// The field in which every form says on which page it stands: path and query, ours.
pub const PAGE_FIELD: &str = "_page";
