//! Small disk: a tmpfs in a mount namespace of its own, which a test can fill.
use crate::program::Program;
use rustix::process::geteuid;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

/// A small tmpfs in its own mount namespace, which ends with its last process.
pub struct SmallDisk {
    holder: Child,
    _open: ChildStdin,
    folder: String,
}

impl SmallDisk {
    /// Mounts the disk at the deployment's data folder.
    pub fn under(program: &mut Program, mebibytes: u32) -> Self {
        let disk = Self::at(program, &program.data(), mebibytes);
        program.set_visible_data_dir(disk.visible());
        disk
    }

    /// Mounts the disk at a new folder, for all later commands of the deployment.
    pub fn at(program: &mut Program, folder: &Path, mebibytes: u32) -> Self {
        let folder = folder.display().to_string();
        std::fs::create_dir(&folder).unwrap();
        // Without root, the mount needs a user namespace.
        let apart: &[&str] = if geteuid().is_root() { &[] } else { &["--user", "--map-current-user", "--keep-caps"] };
        let mut holder = Command::new("unshare")
            .args(apart)
            .args(["--mount", "--propagation", "private", "sh", "-ec"])
            .arg("mount -t tmpfs -o size=$SIZE,mode=0700 disk \"$FOLDER\"; echo ready; cat >/dev/null")
            // The environment, not the arguments: a command line with the folder's name would count as a leftover
            // process.
            .envs([("SIZE", format!("{mebibytes}m")), ("FOLDER", folder.clone())])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare is needed, which comes with util-linux");
        let mut message = String::new();
        BufReader::new(holder.stdout.as_mut().unwrap()).read_line(&mut message).unwrap();
        assert_eq!(message, "ready\n", "a disk can be mounted");
        let open = holder.stdin.take().unwrap();
        let disk = Self { holder, _open: open, folder };
        program.run_commands_within(&disk.enter().iter().map(String::as_str).collect::<Vec<_>>());
        disk
    }

    /// Returns the folder as seen from outside the mount namespace.
    pub fn visible(&self) -> PathBuf {
        format!("/proc/{}/root{}", self.holder.id(), self.folder).into()
    }

    /// Returns the command prefix that enters the namespace.
    fn enter(&self) -> Vec<String> {
        let holder = self.holder.id().to_string();
        let apart: &[&str] = if geteuid().is_root() { &[] } else { &["--user", "--preserve-credentials"] };
        let words = ["nsenter", "--target", &holder, "--mount"].into_iter().chain(apart.iter().copied());
        words.map(str::to_owned).collect()
    }

    fn shell(&self, command: &str) {
        let enter = self.enter();
        let mut shell = Command::new(&enter[0]);
        shell.args(&enter[1..]).args(["sh", "-c", command, "sh", &self.folder]).stderr(Stdio::null());
        shell.status().unwrap(); // fails as intended: the disk is full
    }

    /// Fills the disk to the last byte.
    pub fn fill(&self) {
        self.shell("cat /dev/zero > \"$1/filler\"; cat /dev/zero >> \"$1/filler\"");
    }

    pub fn free(&self) {
        self.shell("rm \"$1/filler\"");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
