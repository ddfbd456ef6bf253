//! Hardened bubblewrap profile: the arguments of every job, and those that differ.

use super::{Job, Network, SCRIPT, WORK, filter::Filters, init::ARGUMENT};
use rustix::fs::{MemfdFlags, memfd_create};
use std::{
    fs::{self, File},
    io::{self, Seek, Write},
    os::fd::{AsRawFd, OwnedFd},
    path::Path,
};

/// The user id inside the sandbox.
const UID: &str = "1000";
/// The size limit of `/tmp` and `/dev/shm`, each, in bytes.
const TMP_SIZE: u64 = 64 << 20;

/// Generated for each sandbox, so that these files reveal nothing of the machine's `/etc`.
const FILES: [(&str, &str); 3] = [
    ("/etc/passwd", "task:x:1000:1000::/work:/bin/bash\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"),
    ("/etc/group", "task:x:1000:\nnogroup:x:65534:\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"),
];

/// The names of the sandbox itself.
const HOSTS: &str = "127.0.0.1 localhost sandbox\n::1 localhost sandbox\n";

/// What programs of `/usr` expect in `/etc`: it is the same on every machine of a distribution, or a choice of language
/// and time that a task may know. Nothing here is a secret or names another machine.
const SYSTEM_FILES: [&str; 17] = [
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/debian_version",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/os-release",
    "/etc/pki/ca-trust/extracted",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/terminfo",
    "/etc/timezone",
];

/// Folders of programs with a version in their name.
const SYSTEM_FOLDERS: [&str; 3] = ["java-", "perl", "python3"];

/// Name resolution, for a task with the machine's network.
const RESOLVER: &str = "/etc/resolv.conf";

/// Parts of `/proc` that reveal the machine rather than the sandbox.
const MASKED: [&str; 6] =
    ["/proc/kcore", "/proc/keys", "/proc/kmsg", "/proc/latency_stats", "/proc/sched_debug", "/proc/timer_list"];

/// The arguments that are the same for every job, computed once.
#[derive(Debug)]
pub(super) struct Profile {
    fixed: Vec<String>,
    filters: Filters,
    networked_filters: Filters,
}

/// The command line of a job, and its file descriptors.
#[derive(Debug)]
pub(super) struct Prepared {
    pub arguments: Vec<String>,
    pub inherit: Vec<OwnedFd>,
}

impl Profile {
    /// `terminals`: whether the task finds its own pseudoterminals at [`TERMINALS`].
    pub fn new(filters: Filters, networked_filters: Filters, terminals: bool) -> Self {
        let mut fixed =
            words("--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup --disable-userns");
        fixed.extend(words("--hostname sandbox --cap-drop ALL --new-session --die-with-parent --as-pid-1 --clearenv"));
        fixed.extend(words(&format!("--uid {UID} --gid {UID} --ro-bind /usr /usr")));
        for folder in ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] {
            match fs::read_link(folder) {
                Ok(target) => fixed.extend(["--symlink".into(), target.to_string_lossy().into_owned(), folder.into()]),
                Err(_) if Path::new(folder).is_dir() => {
                    fixed.extend(["--ro-bind".into(), folder.into(), folder.into()])
                }
                Err(_) => {}
            }
        }
        fixed.extend(words("--proc /proc"));
        for file in MASKED.iter().filter(|file| Path::new(file).exists()) {
            fixed.extend(words(&format!("--ro-bind /dev/null {file}")));
        }
        fixed.extend(SYSTEM_FILES.iter().flat_map(|path| visible(path)));
        fixed.extend(system_folders(Path::new("/etc")).iter().flat_map(|path| visible(path)));
        fixed.extend(words("--dir /run --symlink /tmp /var/tmp --dev /dev"));
        if terminals {
            // Instead of those of bubblewrap, whose number is not limited.
            fixed.extend(words("--dev-bind /dev/pts /dev/pts"));
        }
        Self { fixed, filters, networked_filters }
    }

    /// `init` is the runner's program, which is process 1 in its mode for it; bubblewrap reports that process on `info`.
    pub fn prepare(&self, job: &Job, init: &OwnedFd, info: OwnedFd) -> io::Result<Prepared> {
        let mut options = self.fixed.clone();
        let mut inherit = vec![];
        let mut pass = |option: &str, descriptor: OwnedFd, options: &mut Vec<String>| {
            options.extend([option.into(), descriptor.as_raw_fd().to_string()]);
            inherit.push(descriptor);
        };
        let filters = match job.network {
            Network::Isolated => {
                options.push("--unshare-net".into());
                &self.filters
            }
            Network::None => {
                options.extend(visible(RESOLVER));
                &self.networked_filters
            }
        };
        let disk = job.limits.disk_bytes;
        let side = disk.min(TMP_SIZE);
        options.extend(words(&format!("--perms 1777 --size {side} --tmpfs /dev/shm --remount-ro /dev")));
        options.extend(words(&format!(
            "--perms 1777 --size {side} --tmpfs /tmp --perms 0700 --size {disk} --tmpfs {WORK}"
        )));
        let hosts = match job.network {
            Network::Isolated => HOSTS.to_owned(),
            // What resolves on the machine resolves in the task, too.
            Network::None => HOSTS.to_owned() + &fs::read_to_string("/etc/hosts").unwrap_or_default(),
        };
        for (path, text) in FILES.into_iter().chain([("/etc/hosts", hosts.as_str())]) {
            options.extend(words("--perms 0444"));
            pass("--file", in_memory(text.as_bytes())?, &mut options);
            options.push(path.into());
        }
        options.extend(words("--perms 0555"));
        pass("--file", in_memory(&job.script)?, &mut options);
        options.push(SCRIPT.into());
        // The root is a tmpfs of up to half the machine's memory; read-only from here on.
        options.extend(words(&format!("--remount-ro / --chdir {WORK}")));
        for (name, value) in &job.environment {
            options.extend(["--setenv".into(), name.clone(), value.clone()]);
        }
        // The kernel checks every call with both filters.
        pass("--add-seccomp-fd", in_memory(&filters.absent)?, &mut options);
        pass("--add-seccomp-fd", in_memory(&filters.refused)?, &mut options);
        pass("--info-fd", info, &mut options);

        // In memory rather than on the command line, which every user of the machine can read.
        let options =
            in_memory(options.iter().flat_map(|word| word.bytes().chain([0])).collect::<Vec<_>>().as_slice())?;
        let mut arguments = vec!["--args".into(), options.as_raw_fd().to_string(), "--".into()];
        let init = init.try_clone()?;
        arguments.extend([format!("/proc/self/fd/{}", init.as_raw_fd()), ARGUMENT.into()]);
        inherit.push(init);
        inherit.push(options);
        arguments.extend(job.argv.iter().cloned());
        Ok(Prepared { arguments, inherit })
    }
}

/// Returns the folders in `etc` that programs of `/usr` read their settings from, such as `/etc/java-17-openjdk`.
fn system_folders(etc: &Path) -> Vec<String> {
    let entries = fs::read_dir(etc).into_iter().flatten().flatten();
    let known = |name: &str| SYSTEM_FOLDERS.iter().any(|start| name.starts_with(start));
    let folders = entries.filter(|entry| entry.file_name().to_str().is_some_and(known) && entry.path().is_dir());
    folders.map(|entry| entry.path().to_string_lossy().into_owned()).collect()
}

fn visible(path: &str) -> [String; 3] {
    ["--ro-bind-try".into(), path.into(), path.into()]
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// Returns an anonymous file positioned at its beginning.
fn in_memory(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("castellan", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use super::system_folders;
    use std::{collections::BTreeSet, fs};

    #[test]
    fn case_bc14_folders_of_programs_are_found_with_any_version() {
        let etc = tempfile::tempdir().unwrap();
        for folder in ["java-17-openjdk", "java-21-openjdk", "python3.11", "perl", "ssh", "sudoers.d"] {
            fs::create_dir(etc.path().join(folder)).unwrap();
        }
        fs::write(etc.path().join("java-secret"), "").unwrap();
        let found: BTreeSet<_> =
            system_folders(etc.path()).iter().filter_map(|path| path.rsplit('/').next().map(str::to_owned)).collect();
        assert_eq!(found, ["java-17-openjdk", "java-21-openjdk", "perl", "python3.11"].map(str::to_owned).into());
    }
}
