//! Standard input: the enrollment token comes in over it, and its end says that the server is gone.

use std::{
    io::{self, BufRead, Read},
    thread,
};

use tokio::sync::oneshot;

/// The longest line that is taken as a token, in bytes.
const LONGEST: u64 = 1024;

/// The first line of standard input.
///
/// # Errors
/// When it cannot be read.
pub fn first_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().take(LONGEST).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// Completes when standard input ends or breaks.
///
/// # Errors
/// When no thread can be started.
pub fn ended() -> io::Result<oneshot::Receiver<()>> {
    let (told, end) = oneshot::channel();
    // A thread of its own: reading standard input cannot be interrupted, and must not hold up the runtime's end.
    thread::Builder::new().name("stdin".into()).spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = told.send(());
    })?;
    Ok(end)
}
