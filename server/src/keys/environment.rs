//! The master key from `CASTELLAN_ENCRYPTION_KEY`, and out of the environment with it (E1).
//!
//! What a process was started with stays readable in `/proc/PID/environ` and goes to its children,
//! whatever it does to its own variables. So the process replaces itself: the key goes into a pipe, the same
//! program is executed again, same process id, without the variable, and reads the pipe empty.

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

use super::{KeyError, MasterKey, from_hex};
use crate::config::{ENCRYPTION_KEY, ENCRYPTION_KEY_FD};

/// Takes the master key out of the environment. Call it first in `main`, before there is any thread.
///
/// Where the variable is set this does not return: the program starts anew without it.
///
/// # Errors
/// When the variable is not 64 hexadecimal digits, or the program cannot be started anew.
pub fn take_encryption_key() -> Result<Option<MasterKey>, KeyError> {
    if let Some(number) = env::var_os(ENCRYPTION_KEY_FD) {
        return receive(&number).map(Some);
    }
    let Some(given) = env::var_os(ENCRYPTION_KEY) else {
        return Ok(None);
    };
    let given = Zeroizing::new(given.into_string().unwrap_or_default());
    let _checked: MasterKey = from_hex(given.trim(), || ENCRYPTION_KEY.to_owned())?;
    let keyless = |error: io::Error| {
        KeyError::System(format!("the program cannot start anew without {ENCRYPTION_KEY} in its environment: {error}"))
    };
    let reader = pass_on(given.trim()).map_err(keyless)?;
    let mut arguments = env::args_os();
    let mut again = Command::new("/proc/self/exe");
    again
        .arg0(arguments.next().unwrap_or_else(|| "castellan".into()))
        .args(arguments)
        .env_remove(ENCRYPTION_KEY)
        .env(ENCRYPTION_KEY_FD, reader.as_raw_fd().to_string());
    Err(keyless(again.exec()))
}

/// A pipe that holds the key and stays open through `exec`. 64 bytes always fit without a reader.
fn pass_on(key: &str) -> io::Result<PipeReader> {
    let (reader, mut writer) = pipe()?;
    writer.write_all(key.as_bytes())?;
    rustix::io::fcntl_setfd(&reader, FdFlags::empty())?;
    Ok(reader)
}

/// Reads the key from the inherited pipe, which is empty from then on: children that inherit it find nothing.
fn receive(number: &OsString) -> Result<MasterKey, KeyError> {
    let lost =
        || KeyError::System(format!("{ENCRYPTION_KEY_FD} is for Castellan itself; set {ENCRYPTION_KEY} instead"));
    let number: u32 = number.to_str().and_then(|text| text.parse().ok()).ok_or_else(lost)?;
    let mut text = Zeroizing::new(String::with_capacity(128));
    File::open(format!("/proc/self/fd/{number}"))
        .and_then(|file| file.take(128).read_to_string(&mut text))
        .map_err(|_| lost())?;
    from_hex(&text, || ENCRYPTION_KEY.to_owned())
}
