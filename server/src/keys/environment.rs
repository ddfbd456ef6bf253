//! Secrets of the environment, and out of the environment with them (E1): the master key, the session secret, and the
//! database's address, which may hold a password.
//!
//! What a process was started with stays readable in `/proc/PID/environ` and goes to its children,
//! whatever it does to its own variables. So the process replaces itself: the secrets go into a pipe, the same
//! program is executed again, same process id, without the variables, and reads the pipe empty.

use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{self, PipeReader, Read, Write, pipe},
    os::{fd::AsRawFd, unix::process::CommandExt},
    process::Command,
};

use rustix::io::FdFlags;
use secrecy::zeroize::Zeroizing;

use super::{KeyError, MasterKey, SessionKey, from_hex};
use crate::config::{DATABASE_URL, ENCRYPTION_KEY, ENCRYPTION_KEY_FD, SESSION_SECRET};

/// More than all of it together; a pipe holds so much without a reader.
const LARGEST: u64 = 16 * 1024;

/// What the environment held.
#[derive(Debug, Default)]
pub struct Given {
    /// The master key.
    pub master: Option<MasterKey>,
    /// The session secret.
    pub sessions: Option<SessionKey>,
    /// Settings that may hold a password, by variable.
    pub settings: Vec<(String, String)>,
}

/// Takes the secrets out of the environment. Call it first in `main`, before there is any thread of ours.
///
/// Where one of the variables is set this does not return: the program starts anew without it.
///
/// # Errors
/// When a key is not as many hexadecimal digits as it must be, or the program cannot be started anew.
pub fn take_secrets() -> Result<Given, KeyError> {
    if let Some(number) = env::var_os(ENCRYPTION_KEY_FD) {
        return read(&receive(&number)?);
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
        return Ok(Given::default());
    }
    let _checked = read(&given)?;
    let anew = |error: io::Error| {
        KeyError::System(format!("the program cannot start anew without secrets in its environment: {error}"))
    };
    let reader = pass_on(&given).map_err(anew)?;
    let mut arguments = env::args_os();
    let mut again = Command::new("/proc/self/exe");
    again
        .arg0(arguments.next().unwrap_or_else(|| "castellan".into()))
        .args(arguments)
        .env_remove(ENCRYPTION_KEY)
        .env_remove(SESSION_SECRET)
        .env_remove(DATABASE_URL)
        .env(ENCRYPTION_KEY_FD, reader.as_raw_fd().to_string());
    Err(anew(again.exec()))
}

/// The lines that were passed on, each a variable.
fn read(text: &str) -> Result<Given, KeyError> {
    let mut given = Given::default();
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        match name {
            ENCRYPTION_KEY => given.master = Some(from_hex(value, || ENCRYPTION_KEY.to_owned())?),
            SESSION_SECRET => given.sessions = Some(from_hex(value, || SESSION_SECRET.to_owned())?),
            _ => given.settings.push((name.to_owned(), value.to_owned())),
        }
    }
    Ok(given)
}

/// A pipe that holds the secrets and stays open through `exec`.
fn pass_on(secrets: &str) -> io::Result<PipeReader> {
    let (reader, mut writer) = pipe()?;
    if u64::try_from(secrets.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(io::Error::other("they are too long"));
    }
    writer.write_all(secrets.as_bytes())?;
    rustix::io::fcntl_setfd(&reader, FdFlags::empty())?;
    Ok(reader)
}

/// Reads the inherited pipe, which is empty from then on: children that inherit it find nothing.
fn receive(number: &OsString) -> Result<Zeroizing<String>, KeyError> {
    let lost =
        || KeyError::System(format!("{ENCRYPTION_KEY_FD} is for Castellan itself; set {ENCRYPTION_KEY} instead"));
    let number: u32 = number.to_str().and_then(|text| text.parse().ok()).ok_or_else(lost)?;
    let mut text = Zeroizing::new(String::with_capacity(1_024));
    File::open(format!("/proc/self/fd/{number}"))
        .and_then(|file| file.take(LARGEST).read_to_string(&mut text))
        .map_err(|_| lost())?;
    if text.is_empty() { Err(lost()) } else { Ok(text) }
}
