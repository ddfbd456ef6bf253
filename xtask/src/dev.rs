//! Development server: rebuilds and restarts Castellan when a source file changes.

use crate::{
    binaries, prerequisites,
    root::{command, path},
};
use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    path::Path,
    process::Child,
    time::{Duration, SystemTime},
};

const SOURCES: [&str; 8] = ["Cargo.toml", "app", "crates", "migrations", "public", "runner", "server", "style"];

/// Interval at which the sources are checked for changes.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Builds and serves until it is interrupted. After a failed build the previous server keeps running.
///
/// # Errors
/// Fails if a prerequisite cannot be installed, or the server cannot be started.
pub fn dev(arguments: &[String]) -> Result<()> {
    prerequisites::wasm_target()?;
    prerequisites::bubblewrap()?;
    let mut server: Option<Child> = None;
    loop {
        let built = fingerprint();
        match binaries::build(false) {
            Ok(()) => {
                if let Some(running) = server.take() {
                    stop(running)?;
                }
                let program = path("target/debug/castellan");
                server = Some(command(&program.to_string_lossy()).arg("serve").args(arguments).spawn()?);
            }
            Err(error) => println!("{error:#}\nWaiting for the next change."),
        }
        while fingerprint() == built {
            std::thread::sleep(POLL_INTERVAL);
        }
    }
}

fn stop(mut server: Child) -> Result<()> {
    if server.try_wait()?.is_none() {
        kill_process(Pid::from_child(&server), Signal::TERM)?;
    }
    server.wait()?;
    Ok(())
}

/// Returns the number of source files and the time of the latest modification, which together identify a state of the sources.
fn fingerprint() -> (usize, Option<SystemTime>) {
    let mut fingerprint = (0, None);
    for source in SOURCES {
        add(&path(source), &mut fingerprint);
    }
    fingerprint
}

/// Adds a file, or all files below a folder. A file that disappears meanwhile is ignored.
fn add(place: &Path, fingerprint: &mut (usize, Option<SystemTime>)) {
    if let Ok(entries) = std::fs::read_dir(place) {
        for entry in entries.flatten() {
            add(&entry.path(), fingerprint);
        }
    } else if let Ok(metadata) = std::fs::metadata(place) {
        fingerprint.0 += 1;
        fingerprint.1 = fingerprint.1.max(metadata.modified().ok());
    }
}
