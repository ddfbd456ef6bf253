//! Standard input: carries the enrollment token, and ends when the parent server ends.

use std::{
    io::{self, BufRead, Read},
    thread,
};
use tokio::sync::oneshot;

/// The maximum length of a token line in bytes.
const MAX_TOKEN_LINE: u64 = 1024;

/// Reads the first line of standard input.
///
/// # Errors
/// Fails if standard input cannot be read.
pub fn first_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(MAX_TOKEN_LINE).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// Completes when standard input ends or breaks.
///
/// # Errors
/// Fails if the thread cannot be started.
pub fn ended() -> io::Result<oneshot::Receiver<()>> {
    let (sender, receiver) = oneshot::channel();
    // Reading standard input cannot be interrupted, so it must not run on the runtime's threads.
    thread::Builder::new().name("stdin".into()).spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = sender.send(());
    })?;
    Ok(receiver)
}
