//! Release archive: both programs, license texts, SBOMs and checksums.

use crate::{
    binaries, prerequisites, released_migrations,
    root::{cargo, command, path},
    step,
};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Program → the workspace member that it is built from.
const PROGRAMS: [(&str, &str); 2] = [("castellan", "server"), ("castellan-runner", "runner")];
/// License texts of the fonts that the server embeds.
const FONTS: [&str; 2] = ["inter-OFL.txt", "jetbrains-mono-OFL.txt"];

const DOCUMENTS: [&str; 4] = ["CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md"];

/// Builds `target/dist/castellan-VERSION-TARGET.tar.gz` and `SHA256SUMS`.
///
/// The archive contains the programs, the texts of all licenses, and a software bill of materials (CycloneDX 1.5) per program.
/// Owners and times in it are fixed, so that the same commit gives the same archive apart from what the compiler changes.
///
/// # Errors
/// Fails if a prerequisite cannot be installed, the build fails, or a file cannot be written.
pub fn dist() -> Result<()> {
    prerequisites::cargo_tool("cargo-about", "it collects the license texts of the dependencies")?;
    prerequisites::cargo_tool("cargo-cyclonedx", "it writes the software bill of materials")?;
    released_migrations::check(&released_migrations::folder())?;
    binaries::build_release()?;
    let name = format!("castellan-{}-{}", env!("CARGO_PKG_VERSION"), host()?);
    let dist = path("target/dist");
    let folder = dist.join(&name);
    if dist.exists() {
        fs::remove_dir_all(&dist)?;
    }
    fs::create_dir_all(&folder)?;
    for (program, _) in PROGRAMS {
        fs::copy(path("target/release").join(program), folder.join(program))?;
    }
    for document in DOCUMENTS {
        fs::copy(path(document), folder.join(document))?;
    }
    write_licenses(&folder)?;
    write_sboms(&folder)?;
    let archive = pack(&dist, &name)?;
    let checksums = dist.join("SHA256SUMS");
    fs::write(&checksums, checksum_line(&archive)?)?;
    println!("{}\n{}", archive.display(), checksums.display());
    Ok(())
}

/// Returns the target triple of this machine, for example `x86_64-unknown-linux-gnu`.
fn host() -> Result<String> {
    let version = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8_lossy(&version.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc does not name its host")?;
    Ok(host.to_owned())
}

fn write_licenses(folder: &Path) -> Result<()> {
    let mut about = cargo(&["about", "generate", "--locked", "--workspace", "xtask/licenses.hbs", "--output-file"]);
    let texts = folder.join("THIRD-PARTY-LICENSES.txt");
    about.arg(&texts).args(["--config", "xtask/about.toml"]);
    step::run("Collecting license texts", about)?;
    let mut all = fs::read_to_string(&texts)?;
    for font in FONTS {
        all.push_str(&fs::read_to_string(path("public/fonts").join(font))?);
    }
    Ok(fs::write(texts, all)?)
}

/// cargo-cyclonedx writes a file beside the manifest of every workspace member; those of the programs are kept.
fn write_sboms(folder: &Path) -> Result<()> {
    let arguments = ["cyclonedx", "--format", "json", "--spec-version", "1.5", "--override-filename", "sbom"];
    step::run("Writing the bill of materials", cargo(&arguments))?;
    for (program, member) in PROGRAMS {
        fs::copy(path(member).join("sbom.json"), folder.join(format!("{program}.cdx.json")))?;
    }
    let crates = fs::read_dir(path("crates"))?.flatten().map(|entry| entry.path());
    for member in crates.chain(["app", "runner", "server", "xtask"].map(path)) {
        // Members without a file of their own have none to remove.
        drop(fs::remove_file(member.join("sbom.json")));
    }
    Ok(())
}

fn pack(dist: &Path, name: &str) -> Result<PathBuf> {
    let committed = command("git").args(["log", "-1", "--format=%ct"]).output()?;
    let time = String::from_utf8_lossy(&committed.stdout).trim().to_owned();
    let archive = dist.join(format!("{name}.tar.gz"));
    let mut tar = command("tar");
    tar.args(["--create", "--gzip", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .arg(format!("--mtime=@{}", if time.is_empty() { "0" } else { &time }))
        .arg("--file")
        .arg(&archive)
        .arg("--directory")
        .arg(dist)
        .arg(name);
    step::run("Packing the archive", tar)?;
    Ok(archive)
}

/// Returns a line in the format of `sha256sum`.
fn checksum_line(file: &Path) -> Result<String> {
    let name = file.file_name().and_then(|name| name.to_str()).context("the archive has no name")?;
    let mut hash = Sha256::new();
    hash.update(fs::read(file)?);
    Ok(format!("{}  {name}\n", hex::encode(hash.finalize())))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    #[test]
    fn sha256sum_accepts_the_checksum_file() {
        let folder = std::env::temp_dir().join(format!("castellan-dist-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let archive = folder.join("archive.tar.gz");
        std::fs::write(&archive, "content").unwrap();
        std::fs::write(folder.join("SHA256SUMS"), super::checksum_line(&archive).unwrap()).unwrap();
        let check = || {
            let mut sha256sum = Command::new("sha256sum");
            sha256sum.args(["--check", "SHA256SUMS"]).current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null());
            sha256sum.status().unwrap().success()
        };
        assert!(check());
        std::fs::write(&archive, "changed").unwrap();
        assert!(!check());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
