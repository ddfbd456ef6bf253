//! Hardened bubblewrap profile: the arguments of every job, and those that differ.

use super::{Job, Network, SCRIPT, WORK, filter::Filters, init::ARGUMENT};
use rustix::{
    fs::{MemfdFlags, memfd_create},
    io::pwrite,
};
use std::{
    fs, io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
    path::Path,
    sync::Arc,
};

/// The user id inside the sandbox.
const UID: &str = "1000";
/// The size limit of `/tmp` and `/dev/shm`, each, in bytes.
const TMP_SIZE: u64 = 64 << 20;

/// Generated for each sandbox, so that these files reveal nothing of the machine's `/etc`.
const ETC: [(&str, &str); 4] = [
    ("/etc/passwd", "task:x:1000:1000::/work:/bin/bash\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"),
    ("/etc/group", "task:x:1000:\nnogroup:x:65534:\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"),
    ("/etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost sandbox\n"),
];

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

/// The files of a sandbox, in memory: bubblewrap reads them by the numbers of their descriptors. They are filled in before it starts.
#[derive(Debug)]
pub(super) struct Files {
    /// The options of bubblewrap, rather than on its command line, which every user of the machine can read.
    options: Arc<OwnedFd>,
    /// Those in `/etc`, in the order of [`ETC`].
    etc: Vec<Arc<OwnedFd>>,
    script: Arc<OwnedFd>,
    filters: [Arc<OwnedFd>; 2],
}

impl Files {
    /// Creates empty files.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            options: empty_file()?,
            etc: ETC.iter().map(|_| empty_file()).collect::<io::Result<_>>()?,
            script: empty_file()?,
            filters: [empty_file()?, empty_file()?],
        })
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<OwnedFd>> {
        [&self.options, &self.script].into_iter().chain(&self.etc).chain(&self.filters)
    }

    /// Returns the command line of bubblewrap, the same for every job. Process 1 is `init`, the runner's program in its mode for it.
    pub fn arguments(&self, init: &OwnedFd) -> [String; 5] {
        let init = format!("/proc/self/fd/{}", init.as_raw_fd());
        ["--args".into(), self.options.as_raw_fd().to_string(), "--".into(), init, ARGUMENT.into()]
    }
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

    /// Fills in the files of a sandbox. Bubblewrap reports process 1 on the descriptor with the number `info`.
    pub fn fill(&self, files: &Files, job: &Job, info: RawFd) -> io::Result<()> {
        let mut options = self.fixed.clone();
        let pass = |option: &str, descriptor: RawFd, options: &mut Vec<String>| {
            options.extend([option.into(), descriptor.to_string()]);
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
        for ((path, text), file) in ETC.into_iter().zip(&files.etc) {
            write(file, text.as_bytes())?;
            if let (Network::None, "/etc/hosts") = (job.network, path) {
                // What resolves on the machine resolves in the task, too.
                let machine = fs::read_to_string(path).unwrap_or_default();
                write(file, &[text.as_bytes(), machine.as_bytes()].concat())?;
            }
            options.extend(words("--perms 0444"));
            pass("--file", file.as_raw_fd(), &mut options);
            options.push(path.into());
        }
        options.extend(words("--perms 0555"));
        write(&files.script, &job.script)?;
        pass("--file", files.script.as_raw_fd(), &mut options);
        options.push(SCRIPT.into());
        // The root is a tmpfs of up to half the machine's memory; read-only from here on.
        options.extend(words(&format!("--remount-ro / --chdir {WORK}")));
        for (name, value) in &job.environment {
            options.extend(["--setenv".into(), name.clone(), value.clone()]);
        }
        // The kernel checks every call with both filters.
        for (file, filter) in files.filters.iter().zip([&filters.absent, &filters.refused]) {
            write(file, filter)?;
            pass("--add-seccomp-fd", file.as_raw_fd(), &mut options);
        }
        pass("--info-fd", info, &mut options);
        let options: Vec<u8> = options.iter().flat_map(|word| word.bytes().chain([0])).collect();
        write(&files.options, &options)
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

fn empty_file() -> io::Result<Arc<OwnedFd>> {
    Ok(Arc::new(memfd_create("castellan", MemfdFlags::CLOEXEC)?))
}

/// Writes to the beginning of a file. Its position, from which bubblewrap reads, stays there.
fn write(file: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    let mut at = 0;
    while let length @ 1.. = pwrite(file, bytes, at)? {
        bytes = bytes.get(length..).unwrap_or_default();
        at += u64::try_from(length).map_err(io::Error::other)?;
    }
    Ok(())
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
