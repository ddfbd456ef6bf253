//! Results of server functions: success, or a refusal. The browser may see everything in them.
use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// The success of a server function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// Show the page of the form again.
    Stay,
    /// Redirect to this local path.
    GoTo(String),
    /// Show a result on the page of the form.
    Found(String),
    /// Show a secret once, on the page of the form.
    Secret(String),
}

/// The kind of a refusal, which determines its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 422: a field is invalid.
    Invalid,
    /// 401: not signed in.
    SignedOut,
    /// 403: not allowed.
    Forbidden,
    /// 403: allowed after step-up authentication.
    Stale,
    /// 404: it does not exist, or the actor cannot see it.
    NotFound,
    /// 409: it has changed in the meantime.
    Conflict,
    /// 429: too many attempts.
    TooMany,
    /// 413: it does not fit into a quota.
    TooLarge,
    /// 503: a dependency is unavailable.
    Unavailable,
}

/// The one error type that a browser sees.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Refusal {
    pub kind: Kind,
    /// What happened, why, and what to do: one or two sentences.
    pub message: String,
    /// The invalid fields, each with what is allowed.
    pub fields: Vec<domain::Invalid>,
    /// Seconds until a retry can succeed, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u64>,
}

impl Refusal {
    /// Creates a refusal without field errors.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), fields: vec![], wait: None }
    }

    /// Creates a throttling refusal.
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

    /// The framework's own errors concern requests that none of our forms sends; their texts stay in the server.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::new(Kind::Invalid, "The form was incomplete. Reload the page and fill it in again.")
            }
            ServerFnErrorErr::Request(_) => {
                Self::new(Kind::Unavailable, "The server did not respond. Check your connection and try again.")
            }
            _ => Self::new(Kind::Unavailable, "The server could not complete the request. Try again in a moment."),
        }
    }
}

/// The result of a form whose response is its own page.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The path of the server function.
    pub action: String,
    /// The submitted values without passwords, so that an error does not lose them.
    pub values: Vec<(String, String)>,
    /// The text to show once, or the refusal.
    pub result: Result<String, Refusal>,
    /// Whether the page has already shown the refusal.
    pub refusal_shown: RefusalShown,
}

/// Whether a page has shown why a form was refused: in the form itself if it is still there, otherwise at the top.
#[derive(Clone, Debug, Default)]
pub struct RefusalShown(std::sync::Arc<std::sync::atomic::AtomicBool>);

impl RefusalShown {
    /// Records that the refusal was shown.
    pub fn mark_shown(&self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Returns whether the refusal was shown.
    pub fn is_shown(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

/// The hidden field in which each form sends the local path and query of its page.
pub const PAGE_FIELD: &str = "_page";
