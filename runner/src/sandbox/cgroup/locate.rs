//! Cgroup discovery: the groups of this process that it can divide among its tasks.

use super::{Controller, Folder, Version, make};
use rustix::fs::{Access, access};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The leaf that the runner moves into on v2, whose inner groups cannot hold processes.
const RUNNER_LEAF: &str = "castellan-main";

pub(super) fn delegated() -> Result<(Version, Vec<Folder>), String> {
    let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let mounts = read("/proc/self/mountinfo")?;
    let memberships = read("/proc/self/cgroup")?;
    let v2 = own_v2_group(&mounts, &memberships);
    let why_not = match v2 {
        Ok(folder) => return Ok((Version::V2, vec![folder])),
        Err(why) => why,
    };
    let v1 = Controller::ALL
        .iter()
        .map(|controller| own_v1_group(&mounts, &memberships, *controller))
        .collect::<Option<Vec<_>>>();
    v1.map(|folders| (Version::V1, folders)).ok_or(why_not)
}

/// Prepares our v2 group for child groups.
fn own_v2_group(mounts: &str, memberships: &str) -> Result<Folder, String> {
    let own = own_folder(mounts, memberships, "cgroup2", "").ok_or("cgroup v2 is not mounted")?;
    // A server that started this runner may already have moved both into a leaf.
    let own = if own.ends_with(RUNNER_LEAF) { own.parent().map(Path::to_owned).unwrap_or(own) } else { own };
    let available = fs::read_to_string(own.join("cgroup.controllers")).unwrap_or_default();
    if let Some(missing) =
        Controller::ALL.iter().find(|controller| !available.split_whitespace().any(|name| name == controller.name()))
    {
        return Err(format!("the {} controller of cgroup v2 is not delegated to the runner", missing.name()));
    }
    if access(&own, Access::WRITE_OK).is_err() || access(own.join("cgroup.subtree_control"), Access::WRITE_OK).is_err()
    {
        return Err("the runner's cgroup is not delegated to it".into());
    }
    settle(&own).map_err(|error| format!("the runner's cgroup cannot be divided: {error}"))?;
    Ok(Folder { path: own, controllers: &Controller::ALL })
}

/// Moves the runner, and a parent in the same group, into a leaf. Fails if the group has other processes, which a
/// runner must not move.
fn settle(own: &Path) -> io::Result<()> {
    let main = own.join(RUNNER_LEAF);
    let inside = fs::read_to_string(own.join("cgroup.procs"))?;
    let pids = [std::process::id(), std::os::unix::process::parent_id()].map(|pid| pid.to_string());
    if inside.lines().any(|pid| !pids.iter().any(|own| own == pid)) {
        return Err(io::Error::other("other programs are in it"));
    }
    if !inside.trim().is_empty() {
        make(&main)?;
        for pid in inside.lines() {
            fs::write(main.join("cgroup.procs"), pid)?;
        }
    }
    open_for_children(Version::V2, own)
}

/// Enables the controllers for child groups, which v2 requires.
pub(super) fn open_for_children(version: Version, folder: &Path) -> io::Result<()> {
    match version {
        Version::V1 => Ok(()),
        Version::V2 => fs::write(folder.join("cgroup.subtree_control"), "+memory +pids +cpu"),
    }
}

/// Returns our v1 group of one controller, if we can create groups in it.
fn own_v1_group(mounts: &str, memberships: &str, controller: Controller) -> Option<Folder> {
    let path = own_folder(mounts, memberships, "cgroup", controller.name())?;
    access(&path, Access::WRITE_OK).ok()?;
    let controllers = match controller {
        Controller::Memory => &[Controller::Memory],
        Controller::Pids => &[Controller::Pids],
        Controller::Cpu => &[Controller::Cpu][..],
    };
    Some(Folder { path, controllers })
}

/// Returns where our group of a hierarchy is mounted: cgroups(7), `/proc/self/cgroup` matched with
/// `/proc/self/mountinfo`.
fn own_folder(mounts: &str, memberships: &str, kind: &str, controller: &str) -> Option<PathBuf> {
    let own = memberships.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        controllers.split(',').any(|name| name == controller).then_some(path)
    })?;
    mounts.lines().find_map(|line| {
        let (place, source) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        let mut source = source.split(' ');
        let here = source.next()? == kind
            && (controller.is_empty() || source.nth(1)?.split(',').any(|option| option == controller));
        if !here {
            return None;
        }
        let below = own.strip_prefix(root.trim_end_matches('/'))?;
        let folder = Path::new(point).join(below.trim_start_matches('/'));
        folder.is_dir().then_some(folder)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_group_is_found_below_the_mount_point() {
        let mounts = "30 1 0:26 / /sys/fs/cgroup rw shared:9 - tmpfs tmpfs rw\n31 30 0:27 /box / rw - cgroup cgroup rw,cpu,cpuacct\n";
        let memberships = "3:cpu,cpuacct:/box/tmp\n0::/\n";
        assert_eq!(own_folder(mounts, memberships, "cgroup", "cpu"), Some("/tmp".into()));
        assert_eq!(own_folder(mounts, memberships, "cgroup", "memory"), None);
        assert_eq!(own_folder(mounts, memberships, "cgroup2", ""), None);
    }

    /// A folder that looks like a delegated v2 group `unit` with these processes in it, and how it is mounted.
    fn unit(controllers: &str, processes: &str) -> (tempfile::TempDir, PathBuf, String) {
        let folder = tempfile::tempdir().unwrap();
        let unit = folder.path().join("unit");
        fs::create_dir(&unit).unwrap();
        for (file, text) in
            [("cgroup.controllers", controllers), ("cgroup.procs", processes), ("cgroup.subtree_control", "")]
        {
            fs::write(unit.join(file), text).unwrap();
        }
        let mounts = format!("30 1 0:26 / {} rw - cgroup2 cgroup2 rw\n", folder.path().display());
        (folder, unit, mounts)
    }

    #[test]
    fn a_delegated_v2_group_is_divided_and_the_runner_moves_into_a_leaf() {
        let ourselves = std::process::id().to_string();
        let (_folder, unit, mounts) = unit("cpuset cpu io memory pids", &format!("{ourselves}\n"));
        assert_eq!(own_v2_group(&mounts, "0::/unit\n").unwrap().path, unit);
        assert_eq!(fs::read_to_string(unit.join(RUNNER_LEAF).join("cgroup.procs")).unwrap(), ourselves);
        assert_eq!(fs::read_to_string(unit.join("cgroup.subtree_control")).unwrap(), "+memory +pids +cpu");
    }

    #[test]
    fn a_runner_started_by_one_that_has_moved_divides_the_same_group() {
        let (_folder, unit, mounts) = unit("cpu memory pids", "");
        fs::create_dir(unit.join(RUNNER_LEAF)).unwrap();
        assert_eq!(own_v2_group(&mounts, &format!("0::/unit/{RUNNER_LEAF}\n")).unwrap().path, unit);
    }

    #[test]
    fn a_shared_group_or_one_with_missing_controllers_is_not_used() {
        let (_folder, shared, mounts) = unit("cpu memory pids", "999999999\n");
        assert!(own_v2_group(&mounts, "0::/unit\n").unwrap_err().contains("other programs are in it"));
        assert!(!shared.join(RUNNER_LEAF).exists());
        let (_folder, _, mounts) = unit("cpu pids", "");
        assert!(own_v2_group(&mounts, "0::/unit\n").unwrap_err().contains("memory controller"));
    }
}
