//! User namespace of an unprivileged runner, with the ids of its tasks (user_namespaces(7), E20).
//!
//! It is created once: each task enters it, which costs one system call, instead of starting newuidmap(1).

use super::{quotas::Setting, subordinate::Ids, sys};
use rustix::process::{getegid, geteuid};
use std::{
    fs::{self, File},
    io,
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Child, Command},
    sync::Arc,
};

/// Creates the namespace. With `None` it has only the ids of the runner.
///
/// # Errors
/// The reason, as a clause.
pub(super) fn create(ids: Option<&Ids>, settings: Vec<Setting>) -> Result<Arc<OwnedFd>, String> {
    let refused = |error: io::Error| format!("no user namespace can be set up for tasks ({error})");
    let mut holder = sys::spawn_in_new_user_namespace().map_err(refused)?;
    let made = map(&holder, ids).and_then(|()| {
        let namespace = File::open(format!("/proc/{}/ns/user", holder.id())).map_err(refused)?;
        Ok(Arc::new(OwnedFd::from(namespace)))
    });
    // The namespace lasts as long as its descriptor.
    let _ = holder.kill();
    let _ = holder.wait();
    let namespace = made?;
    sys::configure_namespace(Arc::clone(&namespace), settings).map_err(refused)?;
    Ok(namespace)
}

fn map(holder: &Child, ids: Option<&Ids>) -> Result<(), String> {
    let pid = holder.id();
    let Some(ids) = ids else {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let write = |file: &str, text: String| {
            fs::write(format!("/proc/{pid}/{file}"), text)
                .map_err(|error| format!("{file} cannot be written ({error})"))
        };
        write("uid_map", format!("{uid} {uid} 1"))?;
        write("setgroups", "deny".into())?;
        return write("gid_map", format!("{gid} {gid} 1"));
    };
    for (program, first) in [("newuidmap", ids.uid), ("newgidmap", ids.gid)] {
        let path = find(program).ok_or_else(|| format!("{program} is not installed"))?;
        let numbers = [pid, first, first, ids.count].map(|number| number.to_string());
        let output = Command::new(path).args(numbers).env_clear().output();
        let output = output.map_err(|error| format!("{program} cannot be started ({error})"))?;
        if !output.status.success() {
            return Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
    }
    Ok(())
}

fn find(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let given = std::env::split_paths(&folders).filter(|folder| folder.is_absolute());
    given.chain(["/usr/bin".into()]).map(|folder| folder.join(program)).find(|path| path.is_file())
}
