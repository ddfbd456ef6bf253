//! The hardened profile: what bubblewrap is told, for every job alike, and what differs.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{MemfdFlags, memfd_create};

use super::filter::Filters;
use super::{Job, Network, SCRIPT, WORK};

/// The user a task sees itself as.
const UID: &str = "1000";
/// The most that `/tmp` and `/dev/shm` hold, each, in bytes.
const SIDE: u64 = 64 << 20;

/// Written anew for each sandbox: nothing of the machine's own `/etc` is needed for these.
const FILES: [(&str, &str); 4] = [
    ("/etc/passwd", "task:x:1000:1000::/work:/bin/bash\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"),
    ("/etc/group", "task:x:1000:\nnogroup:x:65534:\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    ("/etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost sandbox\n"),
];

/// Programs are found through these.
const ALWAYS: [&str; 2] = ["/etc/alternatives", "/etc/ld.so.cache"];

/// Names and certificates, for a task that has the machine's network.
const NETWORKED: [&str; 6] = [
    "/etc/resolv.conf",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/ca-certificates",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
];

/// Parts of `/proc` that tell about the machine rather than the sandbox.
const MASKED: [&str; 6] =
    ["/proc/kcore", "/proc/keys", "/proc/kmsg", "/proc/latency_stats", "/proc/sched_debug", "/proc/timer_list"];

/// Process 1 until the task takes its place: says an empty line when it stands in the finished sandbox, waits for one, and begins.
///
/// Bubblewrap binds the sandbox's life to its own just before this runs. If the runner dies earlier, or before it
/// answers, there is nobody to answer and the task does not begin; later, the sandbox dies with it (E9).
pub(super) const GATE: [&str; 4] = ["/bin/sh", "-c", r#"echo && read -r go && exec "$@" </dev/null"#, "task"];

/// The part of the command line that is the same for every job, worked out once.
#[derive(Debug)]
pub(super) struct Profile {
    fixed: Vec<String>,
    filters: Filters,
    networked_filters: Filters,
}

/// A job's command line, and the descriptors it names.
#[derive(Debug)]
pub(super) struct Prepared {
    pub arguments: Vec<String>,
    pub inherit: Vec<OwnedFd>,
}

impl Profile {
    pub fn new(filters: Filters, networked_filters: Filters) -> Self {
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
        fixed.extend(ALWAYS.iter().flat_map(|path| visible(path)));
        fixed.extend(words("--dir /run --symlink /tmp /var/tmp --dev /dev"));
        Self { fixed, filters, networked_filters }
    }

    /// `gate` stands before the job's own program; `info` is where bubblewrap tells the sandbox's first process.
    pub fn prepare(&self, job: &Job, gate: &[&str], info: OwnedFd) -> io::Result<Prepared> {
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
                options.extend(NETWORKED.iter().flat_map(|path| visible(path)));
                &self.networked_filters
            }
        };
        let disk = job.limits.disk_bytes;
        let side = disk.min(SIDE);
        options.extend(words(&format!("--perms 1777 --size {side} --tmpfs /dev/shm --remount-ro /dev")));
        options.extend(words(&format!(
            "--perms 1777 --size {side} --tmpfs /tmp --perms 0700 --size {disk} --tmpfs {WORK}"
        )));
        for (path, text) in FILES {
            options.extend(words("--perms 0444"));
            pass("--file", in_memory(text.as_bytes())?, &mut options);
            options.push(path.into());
        }
        options.extend(words("--perms 0555"));
        pass("--file", in_memory(&job.script)?, &mut options);
        options.push(SCRIPT.into());
        // The root itself is a tmpfs of half the machine's memory; nothing is made in it any more.
        options.extend(words(&format!("--remount-ro / --chdir {WORK}")));
        for (name, value) in &job.environment {
            options.extend(["--setenv".into(), name.clone(), value.clone()]);
        }
        // Both are asked about every call.
        pass("--add-seccomp-fd", in_memory(&filters.absent)?, &mut options);
        pass("--add-seccomp-fd", in_memory(&filters.refused)?, &mut options);
        pass("--info-fd", info, &mut options);

        // In memory rather than on the command line, which every user of the machine can read.
        let options =
            in_memory(options.iter().flat_map(|word| word.bytes().chain([0])).collect::<Vec<_>>().as_slice())?;
        let mut arguments = vec!["--args".into(), options.as_raw_fd().to_string(), "--".into()];
        arguments.extend(gate.iter().map(|word| (*word).to_owned()));
        inherit.push(options);
        arguments.extend(job.argv.iter().cloned());
        Ok(Prepared { arguments, inherit })
    }
}

fn visible(path: &str) -> [String; 3] {
    ["--ro-bind-try".into(), path.into(), path.into()]
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// A file without a name, to be read from its beginning.
fn in_memory(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("castellan", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}
