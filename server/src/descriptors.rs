//! As many open files as the connections need that are allowed: systems start programs with 1,024.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For the database, the runners, files that are served, and the log.
const BESIDES: u64 = 512;

/// Raises the soft limit as far as it is needed and the hard one allows. Where that is not enough, the log says so now
/// and not when the first client is refused.
pub fn make_room(connections: usize) {
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(BESIDES);
    let limits = getrlimit(Resource::Nofile);
    if limits.current.is_none_or(|current| current >= needed) {
        return;
    }
    let current = Some(limits.maximum.map_or(needed, |maximum| maximum.min(needed)));
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current, maximum: limits.maximum }) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    if current < Some(needed) {
        tracing::warn!(
            needed,
            allowed = current,
            "fewer open files are allowed than `limits.connections` asks for; raise the limit (LimitNOFILE= in systemd)"
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
        make_room(200);
        assert_eq!(getrlimit(Resource::Nofile).current, Some(200 + BESIDES));
        make_room(100);
        assert_eq!(getrlimit(Resource::Nofile).current, Some(200 + BESIDES));
        make_room(usize::MAX);
        assert_eq!(getrlimit(Resource::Nofile).current, before.maximum.or(Some(u64::MAX)));
    }
}
