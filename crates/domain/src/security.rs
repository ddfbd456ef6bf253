//! Security events by the names that monitoring knows them by (K-05): which record of the audit log is which of them.
use crate::{Invalid, audit::Outcome, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// What a security team watches for.
    SecurityEvent, "event", {
        /// A password, a second factor or a key did not open what it was shown to.
        AuthenticationFailure = "authentication_failure",
        /// Somebody who is known tried what they may not.
        UnauthorizedCommandAttempt = "unauthorized_command_attempt",
        /// Somebody signed in.
        SessionCreation = "session_creation",
        /// Somebody signed out, or sessions were ended.
        SessionTermination = "session_termination",
        /// A runner could not connect: its certificate or its enrollment token does not count.
        AgentConnectionFailure = "agent_connection_failure",
        /// Somebody asked too often.
        RateLimitExceeded = "rate_limit_exceeded",
    }
}

impl SecurityEvent {
    /// Which of them a record is, if it is one.
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
    fn k_05_each_of_the_six_is_found_and_what_is_usual_is_none() {
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
        for usual in ["task.submit", "key.create", "runner.enroll", "browser_session.prove"] {
            assert_eq!(of(usual, Outcome::Done), None, "{usual}");
        }
    }
}
