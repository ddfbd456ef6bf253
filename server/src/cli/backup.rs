//! `castellan backup` command, and the passphrase of the keys in a backup.
use crate::{
    backup::{Passphrase, create},
    failure::Failure,
    output::Output,
    state::App,
};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
use secrecy::{SecretString, zeroize::Zeroizing};
use serde_json::json;
use std::{
    fs::File,
    io::{IsTerminal, Read, Write, stderr, stdin},
    path::{Path, PathBuf},
};
use tokio::signal::unix::{SignalKind, signal};

/// Maximum length of a passphrase in bytes.
const MAX_PASSPHRASE: u64 = 1_024;

/// The character that Ctrl-C types.
const INTERRUPT: u8 = 3;

#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    /// New file for the backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Include the keys of data/secrets, encrypted with a passphrase
    #[arg(long)]
    with_keys: bool,
    #[command(flatten)]
    passphrase: PassphraseFile,
}

/// Where the passphrase is from.
#[derive(Debug, clap::Args)]
pub(super) struct PassphraseFile {
    /// File with the passphrase of the keys, for example /dev/stdin; without it, the terminal prompts for the passphrase
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

pub(super) async fn run(command: Backup, app: App, output: Output) -> Result<(), Failure> {
    let passphrase = match command.with_keys {
        true => {
            let passphrase = command.passphrase.read(true)?;
            passphrase.check()?;
            Some(passphrase)
        }
        false if command.passphrase.passphrase_file.is_some() => {
            return Err(Failure::new("--passphrase-file requires --with-keys"));
        }
        false => None,
    };
    let has_keys = passphrase.is_some();
    let created = unless_interrupted(create(&app, &command.file, passphrase), "no backup was made").await?;
    app.store.close().await;
    let (file, size) = (command.file.display(), created.size);
    let keys = match has_keys {
        true => "It contains the keys, encrypted with the passphrase.",
        false => {
            "It does not contain the keys of data/secrets, without which it cannot be restored: keep a copy of them elsewhere."
        }
    };
    let data = json!({ "file": command.file, "bytes": size, "created_at": created.created_at, "with_keys": has_keys });
    output.print(&data, format_args!("{file}: {size} bytes, verified. {keys}"))
}

/// Drops the future, and with it its temporary files, on SIGINT and SIGTERM.
pub(super) async fn unless_interrupted<T>(
    done: impl Future<Output = Result<T, Failure>>,
    then: &str,
) -> Result<T, Failure> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        done = done => done,
        _ = interrupt.recv() => Err(Failure::new(format!("interrupted; {then}"))),
        _ = terminate.recv() => Err(Failure::new(format!("interrupted; {then}"))),
    }
}

impl PassphraseFile {
    /// Reads the passphrase from the file, or prompts for it, with `twice` to rule out a typing error.
    pub(super) fn read(&self, twice: bool) -> Result<Passphrase, Failure> {
        let Some(path) = &self.passphrase_file else {
            let first = prompt("Passphrase for the keys: ")?;
            if twice && *prompt("Repeat the passphrase: ")? != *first {
                return Err(Failure::new("the passphrases differ; run the command again"));
            }
            return Ok(Passphrase::new(SecretString::from(first.as_str())));
        };
        Ok(Passphrase::new(read_file(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?))
    }
}

/// Reads the first line of the file.
fn read_file(path: &Path) -> std::io::Result<SecretString> {
    let mut text = Zeroizing::new(String::with_capacity(2_048));
    File::open(path)?.take(MAX_PASSPHRASE).read_to_string(&mut text)?;
    Ok(text.lines().next().unwrap_or_default().into())
}

/// Prompts on the terminal, which does not show what is typed.
fn prompt(text: &str) -> Result<Zeroizing<String>, Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::new("there is no terminal to prompt for the passphrase; use --passphrase-file FILE"));
    }
    let shown = tcgetattr(stdin())?;
    let mut hidden = shown.clone();
    // Ctrl-C ends the line instead of this process, which then turns the echo of the terminal on again.
    hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
    hidden.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
    let mut out = stderr().lock();
    write!(out, "{text}")?;
    tcsetattr(stdin(), OptionalActions::Flush, &hidden)?;
    let line = read_line();
    tcsetattr(stdin(), OptionalActions::Now, &shown)?;
    writeln!(out)?;
    line
}

/// Reads a line from the terminal, or up to Ctrl-C, which is an error.
fn read_line() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new([0; 2_048]);
    let length = rustix::io::retry_on_intr(|| rustix::io::read(stdin(), &mut line[..]))?;
    let line = line.get(..length).unwrap_or_default();
    if line.contains(&INTERRUPT) {
        return Err(Failure::new("interrupted; nothing was changed"));
    }
    let line = std::str::from_utf8(line).map_err(|_| Failure::new("the passphrase is not UTF-8"))?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}
