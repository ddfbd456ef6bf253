//! Security events about those of whom no tenant is known, and which so are in no audit log (K-05): for the log alone.
use crate::state::now;
use domain::security::SecurityEvent;
use serde_json::json;
use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use store::Told;

/// In a span of a second no more than so many of them are written.
const MOST: u32 = 20;
const SECOND: Duration = Duration::from_secs(1);

/// How many were written in the second that began then. The process has one log, and so one of these.
static LATELY: Mutex<Option<(Instant, u32)>> = Mutex::new(None);

/// Writes that somebody was refused; `target` is what they asked for, without what may be secret in it.
pub(crate) fn refused(
    event: SecurityEvent,
    address: Option<IpAddr>,
    key_prefix: Option<&str>,
    target: &str,
    reason: &str,
) {
    if !is_room(Instant::now()) {
        return;
    }
    let told = Told {
        event,
        at: now(),
        tenant: None,
        source_ip: address.map(|address| address.to_string()),
        key_prefix: key_prefix.map(str::to_owned),
        target: target.to_owned(),
        details: json!({ "reason": reason }),
    };
    told.log();
}

/// Who knocks ever so often does not fill the disk with lines.
fn is_room(now: Instant) -> bool {
    let mut lately = LATELY.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *lately {
        Some((since, written)) if now.duration_since(*since) < SECOND => {
            *written += 1;
            *written <= MOST
        }
        other => {
            *other = Some((now, 1));
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_05_strangers_write_few_lines_a_second() {
        let begun = Instant::now() + SECOND * 60;
        let written = (0..1_000).filter(|_| is_room(begun)).count();
        assert_eq!(written, 20);
        assert!(is_room(begun + SECOND));
    }
}
