//! Pinned passkeys: the passkeys of approvers that the operator of this machine trusts (X19). The server cannot change them.

use crate::{
    config::PasskeyCommand,
    folder::{self, Folder, FolderError},
};
use cose::{CoseKeys, PublicKey};
use domain::{
    Invalid,
    passkey::{NamedPasskey, TrustedPasskeys},
};
use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// The file in the data folder.
const FILE: &str = "passkeys.json";
/// The maximum length of the text of a passkey in bytes.
const MAX_TEXT: u64 = 16 << 10;

/// An error of the pinned passkeys.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} does not contain pinned passkeys; move it away and add them again", .0.display())]
    Malformed(PathBuf),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("this passkey has an algorithm that runners do not verify")]
    Algorithm,
    #[error("this passkey is pinned already")]
    Known,
    #[error("another passkey with this credential id is pinned; remove it first")]
    SameCredential,
    #[error("no pinned passkey has this fingerprint")]
    Unknown,
}

/// The pinned passkeys. They are read for each assignment, so that a change takes effect at once.
#[derive(Clone, Debug)]
pub struct PinnedPasskeys {
    file: PathBuf,
    /// Whether nothing runs without an approval that one of them confirms.
    pub always: bool,
}

impl PinnedPasskeys {
    /// Returns those in a data folder.
    pub fn of(folder: &Folder) -> Self {
        Self { file: folder.path(FILE), always: false }
    }

    /// Returns those in a data folder that a runner may be using.
    fn in_folder(folder: &Path) -> Self {
        Self { file: folder.join(FILE), always: false }
    }

    /// Reads all of them.
    ///
    /// # Errors
    /// When the file cannot be read or contains anything else.
    pub fn read(&self) -> Result<Vec<NamedPasskey>, PinError> {
        let text = match fs::read(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(source) => return Err(PinError::Io { path: self.file.clone(), source }),
        };
        serde_json::from_slice(&text).map_err(|_| PinError::Malformed(self.file.clone()))
    }

    /// Returns the passkeys for the verification of an assignment.
    ///
    /// # Errors
    /// When the file cannot be read or contains anything else.
    pub fn trusted(&self) -> Result<TrustedPasskeys<'static>, PinError> {
        let passkeys = self.read()?.into_iter().map(|pinned| pinned.passkey).collect();
        let mut trusted = TrustedPasskeys::new(passkeys, &CoseKeys);
        trusted.always = self.always;
        Ok(trusted)
    }

    /// Adds the passkey in `text`.
    ///
    /// # Errors
    /// When the text is no passkey, its signatures cannot be verified, or it is there already.
    pub fn add(&self, text: &str) -> Result<NamedPasskey, PinError> {
        let added = NamedPasskey::read(text)?;
        if PublicKey::read(&added.passkey.public_key.0).is_none() {
            return Err(PinError::Algorithm);
        }
        let mut pinned = self.read()?;
        if pinned.iter().any(|known| known.passkey == added.passkey) {
            return Err(PinError::Known);
        }
        if pinned.iter().any(|known| known.passkey.credential_id == added.passkey.credential_id) {
            return Err(PinError::SameCredential);
        }
        pinned.push(added.clone());
        self.write(&pinned)?;
        Ok(added)
    }

    /// Removes the passkey with this fingerprint.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove(&self, fingerprint: &str) -> Result<NamedPasskey, PinError> {
        let mut pinned = self.read()?;
        let at = pinned.iter().position(|known| known.passkey.fingerprint().to_string() == fingerprint);
        let removed = pinned.remove(at.ok_or(PinError::Unknown)?);
        self.write(&pinned)?;
        Ok(removed)
    }

    fn write(&self, pinned: &[NamedPasskey]) -> Result<(), PinError> {
        let failed = |source| PinError::Io { path: self.file.clone(), source };
        let text = serde_json::to_vec_pretty(pinned).map_err(|error| failed(error.into()))?;
        folder::replace(&self.file, &text).map_err(failed)
    }
}

/// Runs a command of the operator, also while a runner uses the folder.
///
/// # Errors
/// When the folder cannot be used, or the command is refused.
pub fn run(command: &PasskeyCommand, data_dir: &Path, out: &mut impl Write) -> Result<(), PinError> {
    let pinned = PinnedPasskeys::in_folder(&folder::private(data_dir)?);
    let printed = match command {
        PasskeyCommand::Add { file } => {
            let added = pinned.add(&text(file)?)?;
            print(out, &added).and_then(|()| {
                writeln!(out, "Compare the fingerprint with the one that the owner sees on their account page.")
            })
        }
        PasskeyCommand::List => pinned.read()?.iter().try_for_each(|known| print(out, known)),
        PasskeyCommand::Remove { fingerprint } => {
            let removed = pinned.remove(fingerprint)?;
            writeln!(out, "removed {}", removed.name)
        }
    };
    printed.map_err(|source| PinError::Io { path: "standard output".into(), source })
}

fn print(out: &mut impl Write, known: &NamedPasskey) -> io::Result<()> {
    let NamedPasskey { name, passkey } = known;
    writeln!(out, "{name}")?;
    writeln!(out, "  fingerprint    {}", passkey.fingerprint())?;
    writeln!(out, "  person         {}", passkey.person)?;
    writeln!(out, "  relying party  {}", passkey.relying_party)
}

/// Reads a file, or standard input for `-`.
fn text(file: &Path) -> Result<String, PinError> {
    let mut text = String::new();
    let read = match file == Path::new("-") {
        true => io::stdin().take(MAX_TEXT).read_to_string(&mut text),
        false => fs::File::open(file).and_then(|opened| opened.take(MAX_TEXT).read_to_string(&mut text)),
    };
    read.map_err(|source| PinError::Io { path: file.to_owned(), source })?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use domain::{PersonId, TenantId};
    use testkit::Authenticator;
    use uuid::Uuid;

    use super::*;

    fn passkey(name: &str) -> NamedPasskey {
        let tenant = TenantId(Uuid::from_u128(1));
        let device = Authenticator::es256(tenant, PersonId(Uuid::from_u128(2)), "castellan.example.org");
        NamedPasskey { name: name.into(), passkey: device.passkey }
    }

    fn text_of(named: &NamedPasskey) -> String {
        serde_json::to_string(named).unwrap()
    }

    #[test]
    fn x19_passkeys_are_pinned_listed_and_removed_by_the_operator() {
        let data = tempfile::tempdir().unwrap();
        let (folder, file) = (data.path().join("runner"), data.path().join("passkey.json"));
        let laptop = passkey("Ada Byron, laptop");
        fs::write(&file, text_of(&laptop)).unwrap();
        let command = |command: PasskeyCommand| {
            let mut out = vec![];
            run(&command, &folder, &mut out).map(|()| String::from_utf8(out).unwrap())
        };
        let fingerprint = laptop.passkey.fingerprint().to_string();
        let added = command(PasskeyCommand::Add { file: file.clone() }).unwrap();
        assert!(added.contains(&fingerprint) && added.contains("Compare"), "{added}");
        assert!(matches!(command(PasskeyCommand::Add { file }), Err(PinError::Known)));
        let listed = command(PasskeyCommand::List).unwrap();
        assert!(listed.contains("Ada Byron, laptop") && listed.contains(&fingerprint), "{listed}");
        command(PasskeyCommand::Remove { fingerprint: fingerprint.clone() }).unwrap();
        assert!(matches!(command(PasskeyCommand::Remove { fingerprint }), Err(PinError::Unknown)));
        assert_eq!(command(PasskeyCommand::List).unwrap(), "");
    }

    #[test]
    fn x19_what_is_not_a_passkey_is_not_pinned() {
        let data = tempfile::tempdir().unwrap();
        let pinned = PinnedPasskeys::in_folder(data.path());
        let good = passkey("Ada Byron, laptop");
        pinned.add(&text_of(&good)).unwrap();
        let mut other_key = passkey("Ada Byron, phone");
        other_key.passkey.credential_id = good.passkey.credential_id;
        assert!(matches!(pinned.add(&text_of(&other_key)), Err(PinError::SameCredential)));
        let mut unknown = passkey("Ada Byron, phone");
        unknown.passkey.public_key.0[4] ^= 1;
        assert!(matches!(pinned.add(&text_of(&unknown)), Err(PinError::Algorithm)));
        assert!(matches!(pinned.add("{}"), Err(PinError::Invalid(_))));
        assert_eq!(pinned.read().unwrap().len(), 1);
        // A file that cannot be read trusts nobody, and says so.
        fs::write(data.path().join(FILE), "[{}]").unwrap();
        assert!(matches!(pinned.trusted(), Err(PinError::Malformed(_))));
    }
}
