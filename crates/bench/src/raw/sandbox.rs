//! Bubblewrap by itself, with the namespaces and mounts of the runner's profile: no program of Castellan takes part.
use crate::spread::rate;
use anyhow::{Context, Result, bail, ensure};
use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const NAMESPACES: &str = "--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup --unshare-net --disable-userns \
     --hostname sandbox --cap-drop ALL --new-session --die-with-parent --as-pid-1 --clearenv --uid 1000 --gid 1000";
const MOUNTS: &str = "--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib \
     --symlink usr/lib64 /lib64 --proc /proc --dir /run --dev /dev --size 67108864 --tmpfs /dev/shm --remount-ro /dev \
     --size 67108864 --tmpfs /tmp --size 67108864 --tmpfs /work --remount-ro / --chdir /work";

/// Starts an empty shell script in a sandbox and waits for its end.
///
/// # Errors
/// Fails if bubblewrap is missing, or the machine does not allow a sandbox.
pub fn start() -> Result<Duration> {
    let begin = Instant::now();
    let mut bwrap = Command::new("bwrap");
    bwrap.args(NAMESPACES.split_whitespace()).args(MOUNTS.split_whitespace()).args(["/bin/bash", "-c", "true"]);
    let status = bwrap.stdin(Stdio::null()).status().context("bubblewrap cannot be started")?;
    ensure!(status.success(), "bubblewrap ended with {status}");
    Ok(begin.elapsed())
}

/// Returns the starts per second with this number of concurrent starts.
///
/// # Errors
/// Fails like [`start`].
pub fn starts_per_second(count: usize, at_once: usize) -> Result<f64> {
    let begin = Instant::now();
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..at_once)
            .map(|lane| scope.spawn(move || (lane..count).step_by(at_once).try_for_each(|_| start().map(drop))))
            .collect();
        lanes.into_iter().try_for_each(|lane| lane.join().unwrap_or_else(|_| bail!("a lane's thread died")))
    })?;
    Ok(rate(count, begin.elapsed()))
}
