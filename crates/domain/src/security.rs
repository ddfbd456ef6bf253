//! Security events for monitoring (K-05), derived from audit records.
use crate::{Invalid, outcome::Outcome, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// A class of security events.
    SecurityEvent, "event", {
        /// A wrong password, second factor or API key.
        AuthenticationFailure = "authentication_failure",
        /// An authenticated actor was denied an action.
        UnauthorizedCommandAttempt = "unauthorized_command_attempt",
        /// A sign-in.
        SessionCreation = "session_creation",
        /// A sign-out, or sessions that were ended by others.
        SessionTermination = "session_termination",
        /// A runner with an invalid certificate or enrollment token.
        AgentConnectionFailure = "agent_connection_failure",
        /// A client that was throttled.
        RateLimitExceeded = "rate_limit_exceeded",
    }
}

impl SecurityEvent {
    /// Returns the security event that an audit record belongs to, if any.
    pub fn of(action: &str, outcome: Outcome) -> Option<Self> {
        match (action, outcome) {
            ("browser_session.open", Outcome::Done) => Some(Self::SessionCreation),
            ("browser_session.end" | "browser_session.end_others" | "browser_session.end_all", Outcome::Done) => {
                Some(Self::SessionTermination)
            }
            (_, Outcome::Done) => None,
            ("browser_session.open" | "factor.show" | "key.use", Outcome::Refused) => Some(Self::AuthenticationFailure),
            ("runner.enroll" | "runner.refuse", Outcome::Refused) => Some(Self::AgentConnectionFailure),
            ("rate_limit_exceeded", Outcome::Refused) => Some(Self::RateLimitExceeded),
            (_, Outcome::Refused) => Some(Self::UnauthorizedCommandAttempt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_05_each_security_event_is_recognized_and_ordinary_records_are_none() {
        let of = |action, outcome| SecurityEvent::of(action, outcome).map(SecurityEvent::as_str);
        for (action, event) in [
            ("browser_session.open", "authentication_failure"),
            ("factor.show", "authentication_failure"),
            ("key.use", "authentication_failure"),
            ("key.create", "unauthorized_command_attempt"),
            ("admin.admin_blocked", "unauthorized_command_attempt"),
            ("runner.enroll", "agent_connection_failure"),
            ("runner.refuse", "agent_connection_failure"),
            ("rate_limit_exceeded", "rate_limit_exceeded"),
        ] {
            assert_eq!(of(action, Outcome::Refused), Some(event), "{action}");
        }
        assert_eq!(of("browser_session.open", Outcome::Done), Some("session_creation"));
        assert_eq!(of("browser_session.end_others", Outcome::Done), Some("session_termination"));
        for ordinary in ["task.submit", "key.create", "runner.enroll", "browser_session.prove"] {
            assert_eq!(of(ordinary, Outcome::Done), None, "{ordinary}");
        }
    }
}
