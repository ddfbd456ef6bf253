//! Secrets from the environment, which are removed from it (E1): the master key, the session secret and the database URL, which
//! can contain a password.
//!
//! The initial environment of a process stays readable in `/proc/PID/environ`, whatever the process does to its variables. So
//! the process re-executes itself: it writes the secrets to a pipe, executes the same program with the same process ID but
//! without the variables, and then reads the pipe.

use super::{KeyError, MasterKey, SessionKey, from_hex};
use crate::config::{DATABASE_URL, ENCRYPTION_KEY, ENCRYPTION_KEY_FD, SESSION_SECRET};
use rustix::{io::FdFlags, thread::set_name};
use secrecy::zeroize::Zeroizing;
use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{self, PipeReader, Read, Write, pipe},
    os::{fd::AsRawFd, unix::process::CommandExt},
    process::Command,
};

/// Maximum size of all secrets; a pipe can buffer this much without a reader.
const MAX_BYTES: u64 = 16 * 1024;

/// Secrets from the environment.
#[derive(Debug, Default)]
pub struct EnvironmentSecrets {
    pub master: Option<MasterKey>,
    pub sessions: Option<SessionKey>,
    /// Settings that can contain a password, by variable.
    pub settings: Vec<(String, String)>,
}

/// Removes the secrets from the environment. Call it first in `main`, before any thread starts.
///
/// If one of the variables is set, this does not return: the program re-executes itself without it.
///
/// # Errors
/// Fails if a key is malformed or the program cannot re-execute itself.
pub fn take_secrets() -> Result<EnvironmentSecrets, KeyError> {
    if let Some(number) = env::var_os(ENCRYPTION_KEY_FD) {
        // After the execution of /proc/self/exe, `ps` and `pkill` would know the process as `exe`.
        let _ = set_name(c"castellan"); // the name is for people
        return parse(&read_from_pipe(&number)?);
    }
    let mut given = Zeroizing::new(String::new());
    for name in [ENCRYPTION_KEY, SESSION_SECRET, DATABASE_URL] {
        if let Some(value) = env::var_os(name) {
            let value = Zeroizing::new(value.into_string().unwrap_or_default());
            given.push_str(name);
            given.push('=');
            given.push_str(&value.trim().replace(['\n', '\0'], " "));
            given.push('\n');
        }
    }
    if given.is_empty() {
        return Ok(EnvironmentSecrets::default());
    }
    let _checked = parse(&given)?;
    let failed = |error: io::Error| {
        KeyError::System(format!(
            "the program cannot re-execute itself to remove secrets from its environment: {error}"
        ))
    };
    let reader = write_to_pipe(&given).map_err(failed)?;
    let mut arguments = env::args_os();
    let mut again = Command::new("/proc/self/exe");
    again
        .arg0(arguments.next().unwrap_or_else(|| "castellan".into()))
        .args(arguments)
        .env_remove(ENCRYPTION_KEY)
        .env_remove(SESSION_SECRET)
        .env_remove(DATABASE_URL)
        .env(ENCRYPTION_KEY_FD, reader.as_raw_fd().to_string());
    Err(failed(again.exec()))
}

/// Parses the passed-on lines, each with one variable.
fn parse(text: &str) -> Result<EnvironmentSecrets, KeyError> {
    let mut given = EnvironmentSecrets::default();
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        match name {
            ENCRYPTION_KEY => given.master = Some(from_hex(value, || ENCRYPTION_KEY.to_owned())?),
            SESSION_SECRET => given.sessions = Some(from_hex(value, || SESSION_SECRET.to_owned())?),
            _ => given.settings.push((name.to_owned(), value.to_owned())),
        }
    }
    Ok(given)
}

/// Writes the secrets to a pipe that stays open across `exec`.
fn write_to_pipe(secrets: &str) -> io::Result<PipeReader> {
    let (reader, mut writer) = pipe()?;
    if u64::try_from(secrets.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(io::Error::other("the secrets are too long"));
    }
    writer.write_all(secrets.as_bytes())?;
    rustix::io::fcntl_setfd(&reader, FdFlags::empty())?;
    Ok(reader)
}

/// Reads and empties the inherited pipe, so that child processes find nothing in it.
fn read_from_pipe(number: &OsString) -> Result<Zeroizing<String>, KeyError> {
    let invalid = || KeyError::System(format!("{ENCRYPTION_KEY_FD} is for internal use; set {ENCRYPTION_KEY} instead"));
    let number: u32 = number.to_str().and_then(|text| text.parse().ok()).ok_or_else(invalid)?;
    let mut text = Zeroizing::new(String::with_capacity(1_024));
    File::open(format!("/proc/self/fd/{number}"))
        .and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text))
        .map_err(|_| invalid())?;
    if text.is_empty() { Err(invalid()) } else { Ok(text) }
}
