//! Archive of a backup: a tar file that begins with a manifest and its signature. Each of its bytes is verified: the headers and the
//! padding are the only ones that the manifest allows.
use super::manifest::{Manifest, Part};
use crate::failure::Failure;
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};

const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.sig";
const BLOCK: usize = 512;
/// Blocks of zeros at the end of a tar file.
const END_BLOCKS: usize = 2;
/// Maximum length of a manifest in bytes.
const MAX_MANIFEST: u64 = 256 * 1024;
/// Length of an Ed25519 signature in bytes.
const SIGNATURE_LENGTH: usize = 64;

/// Writes an archive. `parts` are in the order of the manifest.
///
/// # Errors
/// Fails if a part cannot be read or has not the length that the manifest says, or the archive cannot be written.
pub(super) fn write(
    out: &mut impl Write,
    manifest: &Manifest,
    sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE_LENGTH],
    parts: Vec<Box<dyn Read>>,
) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(manifest)?;
    append(out, MANIFEST, u64::try_from(text.len()).unwrap_or(u64::MAX), &mut text.as_slice())?;
    let signature = sign(&signed_bytes(&text));
    append(out, SIGNATURE, u64::try_from(signature.len()).unwrap_or(u64::MAX), &mut signature.as_slice())?;
    for (part, mut content) in manifest.parts.iter().zip(parts) {
        append(out, &part.name, part.size, &mut content)?;
    }
    out.write_all(&[0; BLOCK * END_BLOCKS])
}

fn append(out: &mut impl Write, name: &str, size: u64, content: &mut dyn Read) -> io::Result<()> {
    out.write_all(&header(name, size)?)?;
    if io::copy(&mut content.take(size), out)? != size {
        return Err(io::Error::other(format!("{name} became shorter while it was read")));
    }
    out.write_all(&[0; BLOCK][..padding(size)])
}

/// Returns the header of a regular file that only its owner can read.
fn header(name: &str, size: u64) -> io::Result<[u8; BLOCK]> {
    let mut header = tar::Header::new_gnu();
    header.set_path(name)?;
    header.set_size(size);
    header.set_mode(0o600);
    for set_to_zero in [tar::Header::set_uid, tar::Header::set_gid, tar::Header::set_mtime] {
        set_to_zero(&mut header, 0);
    }
    header.set_cksum();
    Ok(*header.as_bytes())
}

fn padding(size: u64) -> usize {
    let used = usize::try_from(size % 512).unwrap_or(0);
    (BLOCK - used) % BLOCK
}

/// Returns what the key of checkpoints signs of a manifest.
fn signed_bytes(manifest: &[u8]) -> Vec<u8> {
    [b"castellan backup\n".as_slice(), &Sha256::digest(manifest)].concat()
}

/// An archive whose manifest was read.
#[derive(Debug)]
pub(super) struct Archive<R> {
    pub manifest: Manifest,
    /// The digest of the manifest, which identifies the backup.
    pub id: String,
    text: Vec<u8>,
    signature: [u8; SIGNATURE_LENGTH],
    rest: R,
}

impl<R: Read> Archive<R> {
    /// Reads the manifest, which is not trusted before [`Archive::is_signed_by`].
    ///
    /// # Errors
    /// Fails if the file is no backup, is cut or damaged, or was made by a newer program.
    pub(super) fn open(mut from: R) -> Result<Self, Failure> {
        let mut first = [0; BLOCK];
        from.read_exact(&mut first).map_err(cut)?;
        let size = tar::Header::from_byte_slice(&first).entry_size().unwrap_or(0);
        if size == 0 || size > MAX_MANIFEST || header(MANIFEST, size)? != first {
            return Err(Failure::new("it is not a backup of Castellan, or it is damaged"));
        }
        let mut text = vec![];
        copy(&mut from, &mut text, size)?;
        let manifest = Manifest::parse(&text)?;
        expect_header(&mut from, SIGNATURE, u64::try_from(SIGNATURE_LENGTH).unwrap_or_default())?;
        let mut signature = vec![];
        copy(&mut from, &mut signature, u64::try_from(SIGNATURE_LENGTH).unwrap_or_default())?;
        let signature = signature.try_into().map_err(|_| damaged(SIGNATURE))?;
        Ok(Self { manifest, id: hex::encode(Sha256::digest(&text)), text, signature, rest: from })
    }

    /// Returns whether `verifies` accepts the signature of the manifest.
    pub(super) fn is_signed_by(&self, verifies: impl FnOnce(&[u8], &[u8]) -> bool) -> bool {
        verifies(&signed_bytes(&self.text), &self.signature)
    }

    /// Copies each part to the writer that `open` returns for it, and compares its length and digest with the manifest.
    ///
    /// # Errors
    /// Fails if a part cannot be written, or the archive is cut, damaged, or longer than its manifest says.
    pub(super) fn extract<W: Write>(&mut self, mut open: impl FnMut(&Part) -> io::Result<W>) -> Result<(), Failure> {
        for part in &self.manifest.parts {
            expect_header(&mut self.rest, &part.name, part.size)?;
            let failed = |error: io::Error| Failure::new(format!("{} cannot be written: {error}", part.name));
            let mut out = Hashed { out: open(part).map_err(failed)?, hash: Sha256::new(), name: &part.name };
            copy(&mut self.rest, &mut out, part.size)?;
            if hex::encode(out.hash.finalize()) != part.sha256 {
                return Err(damaged(&part.name));
            }
        }
        let mut end = vec![];
        let length = BLOCK * END_BLOCKS;
        self.rest.by_ref().take(u64::try_from(length + 1).unwrap_or_default()).read_to_end(&mut end)?;
        match end.iter().all(|byte| *byte == 0) {
            true if end.len() < length => Err(cut(io::ErrorKind::UnexpectedEof.into())),
            true if end.len() == length => Ok(()),
            _ => Err(damaged("its end")),
        }
    }
}

/// A writer that hashes what it writes.
struct Hashed<'a, W> {
    out: W,
    hash: Sha256,
    name: &'a str,
}

impl<W: Write> Write for Hashed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let failed =
            |error: io::Error| io::Error::new(error.kind(), format!("{} cannot be unpacked: {error}", self.name));
        let written = self.out.write(bytes).map_err(failed)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn expect_header(from: &mut impl Read, name: &str, size: u64) -> Result<(), Failure> {
    let mut found = [0; BLOCK];
    from.read_exact(&mut found).map_err(cut)?;
    if found == header(name, size)? { Ok(()) } else { Err(damaged(name)) }
}

/// Copies a file of the archive and its padding, which must be zeros.
fn copy(from: &mut impl Read, out: &mut impl Write, size: u64) -> Result<(), Failure> {
    let copied = io::copy(&mut from.by_ref().take(size), out)?;
    out.flush()?;
    let mut rest = [0; BLOCK];
    let rest = &mut rest[..padding(size)];
    match copied == size {
        true => from.read_exact(rest).map_err(cut)?,
        false => return Err(cut(io::ErrorKind::UnexpectedEof.into())),
    }
    if rest.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(damaged("padding")) }
}

fn cut(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Failure::new("it is incomplete: its end is missing"),
        _ => error.into(),
    }
}

fn damaged(what: &str) -> Failure {
    Failure::new(format!("it was changed or is damaged: {what} is not what was written"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::manifest::FORMAT;
    use domain::Timestamp;
    use std::collections::BTreeMap;

    const PARTS: [(&str, &[u8]); 2] = [("castellan.db", &[7; 700]), ("checkpoints", b"note\n--\n")];

    fn part((name, bytes): (&str, &[u8])) -> Part {
        let sha256 = hex::encode(Sha256::digest(bytes));
        Part { name: name.to_owned(), size: u64::try_from(bytes.len()).unwrap(), sha256 }
    }

    fn archive(format: u32) -> Vec<u8> {
        let manifest = Manifest {
            format,
            version: "9.9.9".into(),
            created_at: Timestamp(0),
            keys: BTreeMap::new(),
            parts: PARTS.map(part).into(),
        };
        let mut out = vec![];
        let contents = PARTS.map(|(_, bytes)| -> Box<dyn Read> { Box::new(bytes) });
        write(&mut out, &manifest, |_| [9; 64], contents.into()).unwrap();
        out
    }

    /// Returns the parts, if the archive is intact and `signed` was signed.
    fn read(bytes: &[u8], signed: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
        let mut archive = Archive::open(bytes)?;
        if !archive.is_signed_by(|message, signature| message == signed && *signature == [9; 64]) {
            return Err(Failure::new("not signed"));
        }
        let found = std::cell::RefCell::new(vec![]);
        struct Last<'a>(&'a std::cell::RefCell<Vec<Vec<u8>>>);
        impl Write for Last<'_> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.borrow_mut().last_mut().unwrap().extend(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        archive.extract(|_| {
            found.borrow_mut().push(vec![]);
            Ok(Last(&found))
        })?;
        Ok(found.into_inner())
    }

    #[test]
    fn d_13_each_changed_byte_of_an_archive_and_each_cut_is_noticed() {
        let whole = archive(FORMAT);
        let signed = signed_bytes(&Archive::open(whole.as_slice()).unwrap().text);
        let read = |bytes: &[u8]| read(bytes, &signed);
        assert_eq!(read(&whole).unwrap(), PARTS.map(|(_, bytes)| bytes.to_vec()));
        for at in 0..whole.len() {
            for bit in [1, 64] {
                let mut changed = whole.clone();
                changed[at] ^= bit;
                assert!(read(&changed).is_err(), "byte {at} was changed and nothing noticed it");
            }
            assert!(read(&whole[..at]).is_err(), "{at} of {} bytes", whole.len());
        }
        assert!(read(&[whole.as_slice(), &[0]].concat()).is_err(), "a longer file");
        for no_backup in [&b""[..], b"text", &[0; 4096], &[255; 4096]] {
            assert!(read(no_backup).is_err());
        }
    }

    #[test]
    fn d_13_a_backup_of_a_newer_format_is_refused_with_the_version_that_made_it() {
        let error = read(&archive(FORMAT + 1), b"").unwrap_err().to_string();
        assert!(error.contains("Castellan 9.9.9") && error.contains("newer"), "{error}");
    }

    #[test]
    fn d_13_large_files_have_a_header() {
        let header = header("castellan.db", 1 << 40).unwrap();
        assert_eq!(tar::Header::from_byte_slice(&header).entry_size().unwrap(), 1 << 40);
    }
}
