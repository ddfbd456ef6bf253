//! Process inspection of a sandbox from outside: members and memory.

use rustix::process::Pid;
use std::fs;

/// Returns `first` and its running descendants. Orphans in the sandbox become children of `first`, its process 1.
fn family(first: Pid) -> Vec<Pid> {
    let mut found = vec![first];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        found.extend(children(pid));
        next += 1;
    }
    found
}

fn children(pid: Pid) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)).collect::<Vec<_>>())
        .collect()
}

/// Returns the bytes of memory of all of them that are not files on a mount with a size limit.
pub(super) fn resident(first: Pid) -> u64 {
    let kib =
        |pid, field| status(pid, field).and_then(|value| value.split(' ').next()?.parse::<u64>().ok()).unwrap_or(0);
    family(first).into_iter().map(|pid| 1024 * (kib(pid, "RssAnon:") + kib(pid, "RssShmem:"))).sum()
}

/// The buffer that a socket can have beyond its limit, for the message that exceeds it.
const EXCESS_PER_SOCKET: u64 = 64 << 10;

/// Returns the bytes that the sockets of a network namespace can hold in buffers. Those of TCP are not included: the kernel
/// limits them for the machine (tcp(7), tcp_mem).
pub(super) fn socket_capacity(first: Pid) -> u64 {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (v4, v6) = (read(&format!("/proc/{first}/net/sockstat")), read(&format!("/proc/{first}/net/sockstat6")));
    let count = |text: &str, start: &str| {
        let number =
            text.lines().find_map(|line| line.strip_prefix(start)?.split_whitespace().next()?.parse::<u64>().ok());
        number.unwrap_or(0)
    };
    let tcp = count(&v4, "TCP: inuse ").saturating_add(count(&v6, "TCP6: inuse "));
    let others = count(&v4, "sockets: used ").saturating_sub(tcp);
    // The filter keeps tasks from asking for more (socket(7), SO_SNDBUF).
    let default = |name| read(&format!("/proc/sys/net/core/{name}")).trim().parse::<u64>().unwrap_or(212_992);
    let each = default("wmem_default").saturating_add(default("rmem_default")).saturating_add(EXCESS_PER_SOCKET);
    others.saturating_mul(each)
}

/// Reads a field of proc_pid_status(5).
fn status(pid: Pid, field: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(field)).map(|value| value.trim().to_owned())
}

/// Returns whether any process of the machine has this real user id.
pub(super) fn any_of_user(uid: u32) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut ids = processes.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    ids.any(|pid| status(pid, "Uid:").is_some_and(|ids| ids.split_whitespace().next() == Some(&uid.to_string())))
}
