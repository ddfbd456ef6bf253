//! Released migrations: their checksums in `migrations/released.txt`. Databases that applied them compare them at each start, so they never
//! change again; a schema change is a new migration.

use crate::root::{files_below, path};
use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fs, path::Path};

const FILE: &str = "released.txt";
const HEADER: &str = "\
# Migrations of released versions: the version, the SHA-256 of the file, and its path. Written by `cargo xtask fixture`.
# A released migration never changes. Change the schema in a new one (CONTRIBUTING.md).
";

/// A migration of a released version.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Released {
    /// The first version that has it.
    version: String,
    sha256: String,
}

/// Checks that no released migration was changed, removed or preceded by a new one, in the folder of all migrations.
///
/// # Errors
/// Fails with the file and what to do instead.
pub fn check(folder: &Path) -> Result<()> {
    verify(&read(folder)?, &present(folder)?)
}

/// Records the migrations that no earlier version has as released with `version`, unless `version` was released before.
///
/// # Errors
/// Fails if a migration of an earlier version was changed, and if a file cannot be read or written.
pub fn record(folder: &Path, version: &str) -> Result<()> {
    let mut released = read(folder)?;
    released.retain(|_, migration| migration.version != version);
    let present = present(folder)?;
    verify(&released, &present)?;
    let mut text = HEADER.to_owned();
    for (name, sha256) in present {
        let version = released.get(&name).map_or(version, |migration| &migration.version);
        text.push_str(&format!("{version} {sha256} {name}\n"));
    }
    Ok(fs::write(folder.join(FILE), text)?)
}

/// Returns the folder of all migrations.
pub fn folder() -> std::path::PathBuf {
    path("migrations")
}

fn verify(released: &BTreeMap<String, Released>, present: &BTreeMap<String, String>) -> Result<()> {
    for (name, Released { version, sha256 }) in released {
        match present.get(name) {
            Some(current) if current == sha256 => {}
            Some(_) => bail!(
                "migrations/{name} differs from the one that version {version} was released with. Databases refuse a changed migration: \
                 restore the file, and make the change in a new migration"
            ),
            None => bail!(
                "migrations/{name} of version {version} is missing: restore it, and undo its effect in a new migration"
            ),
        }
    }
    for database in ["postgres/", "sqlite/"] {
        let of_database = |name: &&String| name.starts_with(database);
        let last = released.keys().rfind(of_database);
        let before =
            present.keys().filter(of_database).find(|name| !released.contains_key(*name) && Some(*name) < last);
        ensure!(
            before.is_none(),
            "migrations/{} precedes a released migration: give it the next number",
            before.map_or("", String::as_str)
        );
    }
    Ok(())
}

/// Returns the released migrations by name, for example `sqlite/0001_first.sql`.
fn read(folder: &Path) -> Result<BTreeMap<String, Released>> {
    let text = fs::read_to_string(folder.join(FILE)).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let parse = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        let (version, sha256, name) = (words.next()?, words.next()?, words.next()?);
        Some((name, Released { version, sha256 }))
    };
    lines.map(|line| parse(line).with_context(|| format!("migrations/{FILE}: {line:?} is no migration"))).collect()
}

/// Returns the SHA-256 of each migration by name.
fn present(folder: &Path) -> Result<BTreeMap<String, String>> {
    let files = files_below(folder)?.into_iter().filter(|file| file.extension().is_some_and(|it| it == "sql"));
    files
        .map(|file| {
            let name = file.strip_prefix(folder)?.to_string_lossy().into_owned();
            Ok((name, hex::encode(Sha256::digest(fs::read(&file)?))))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{check, record};
    use std::fs;

    #[test]
    fn d_13_released_migrations_never_change_and_new_ones_are_appended() {
        let folder = std::env::temp_dir().join(format!("castellan-migrations-{}", std::process::id()));
        let write = |name: &str, text: &str| fs::write(folder.join("sqlite").join(name), text).unwrap();
        let error = || check(&folder).unwrap_err().to_string();
        fs::create_dir_all(folder.join("sqlite")).unwrap();
        write("0001_first.sql", "one");
        check(&folder).unwrap(); // nothing was released
        write("0002_second.sql", "draft");
        record(&folder, "0.1.0").unwrap();
        write("0002_second.sql", "two");
        assert!(
            error().contains("sqlite/0002_second.sql differs") && error().contains("in a new migration"),
            "{}",
            error()
        );
        record(&folder, "0.1.0").unwrap(); // until it is released
        check(&folder).unwrap();

        write("0003_third.sql", "three");
        check(&folder).unwrap();
        record(&folder, "0.2.0").unwrap();
        let text = fs::read_to_string(folder.join("released.txt")).unwrap();
        let versions: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("0.")?.split(' ').next()).collect();
        assert_eq!(versions, ["1.0", "1.0", "2.0"], "{text}");

        write("0001_first.sql", "changed");
        assert!(record(&folder, "0.2.0").unwrap_err().to_string().contains("version 0.1.0"));
        fs::remove_file(folder.join("sqlite/0001_first.sql")).unwrap();
        assert!(error().contains("sqlite/0001_first.sql of version 0.1.0 is missing"), "{}", error());
        write("0001_first.sql", "one");
        write("0002_before.sql", "four");
        assert!(error().contains("sqlite/0002_before.sql precedes"), "{}", error());
        fs::remove_dir_all(folder).unwrap();
    }
}
