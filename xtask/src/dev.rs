//! Serve, and rebuild and restart whenever a source file changes.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};

use crate::binaries;
use crate::need;
use crate::root::{command, path};

const SOURCES: [&str; 8] = ["Cargo.toml", "app", "crates", "migrations", "public", "runner", "server", "style"];

/// How long a change waits at most to be seen.
const PAUSE: Duration = Duration::from_millis(500);

/// Builds and serves until it is interrupted; a build that fails leaves the running server as it is.
///
/// # Errors
/// When something is missing and cannot be installed, or the server cannot be started.
pub fn dev(arguments: &[String]) -> Result<()> {
    need::wasm_target()?;
    need::bubblewrap()?;
    let mut server: Option<Child> = None;
    loop {
        let built_from = state();
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
        while state() == built_from {
            std::thread::sleep(PAUSE);
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

/// What tells one state of the sources from another: how many files there are, and the newest change.
fn state() -> (usize, Option<SystemTime>) {
    let mut seen = (0, None);
    for source in SOURCES {
        look(&path(source), &mut seen);
    }
    seen
}

/// Adds a file, or a folder with all that is in it; what vanishes while we look was not there.
fn look(place: &Path, seen: &mut (usize, Option<SystemTime>)) {
    if let Ok(entries) = std::fs::read_dir(place) {
        for entry in entries.flatten() {
            look(&entry.path(), seen);
        }
    } else if let Ok(about) = std::fs::metadata(place) {
        seen.0 += 1;
        seen.1 = seen.1.max(about.modified().ok());
    }
}
