//! File descriptor limit: raised to fit the allowed connections, because the usual soft limit is 1,024.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for the database, runners, served files and the log.
const RESERVED: u64 = 512;

/// Raises the soft limit as needed, up to the hard limit. Logs a warning if that is not enough.
pub fn raise_limit(connections: usize) {
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(RESERVED);
    let limits = getrlimit(Resource::Nofile);
    if limits.current.is_none_or(|current| current >= needed) {
        return;
    }
    let current = Some(limits.maximum.map_or(needed, |maximum| maximum.min(needed)));
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current, maximum: limits.maximum }) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    if current < Some(needed) {
        tracing::warn!(
            needed,
            allowed = current,
            "the limit of open files is too low for `limits.connections`; raise it (LimitNOFILE= in systemd)"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_needed_and_never_lowered() {
        let before = getrlimit(Resource::Nofile);
        let low = Rlimit { current: Some(256), maximum: before.maximum };
        setrlimit(Resource::Nofile, low).unwrap();
        raise_limit(200);
        assert_eq!(getrlimit(Resource::Nofile).current, Some(200 + RESERVED));
        raise_limit(100);
        assert_eq!(getrlimit(Resource::Nofile).current, Some(200 + RESERVED));
        raise_limit(usize::MAX);
        assert_eq!(getrlimit(Resource::Nofile).current, before.maximum.or(Some(u64::MAX)));
    }
}
