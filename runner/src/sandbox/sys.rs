//! Unsafe system calls: between fork and exec, Landlock, and waiting for a process.
#![expect(unsafe_code, reason = "the one file with system calls that no safe wrapper offers")]

use super::{quotas::Setting, subordinate::TaskId};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags, open},
    mount::{MountFlags, MountPropagationFlags, mount, mount_change},
    process::{
        Gid, Pid, PidfdFlags, Resource, Rlimit, Signal, Uid, pidfd_open, set_parent_process_death_signal,
        setpriority_process, setrlimit, setsid, umask,
    },
    thread::{
        LinkNameSpaceType, UnshareFlags, move_into_link_name_space, set_no_new_privs, set_thread_groups,
        set_thread_res_gid, set_thread_res_uid, unshare_unsafe,
    },
};
use std::{
    ffi::{CStr, CString},
    io,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::io::{Interest, unix::AsyncFd};

/// The mount point of pseudoterminals, in the sandbox and on the machine.
const TERMINALS: &CStr = c"/dev/pts";

/// The confinement that a process applies between fork and exec; all of it is prepared before the fork.
#[derive(Debug)]
pub(super) struct Confinement {
    /// `cgroup.procs` files to enter, opened while the runner has permission.
    pub cgroups: Vec<OwnedFd>,
    pub limits: Vec<(Resource, u64)>,
    /// A lower scheduling priority, if no cgroup divides the CPU.
    pub niceness: i32,
    /// The user namespace in which an unprivileged runner can switch to other ids.
    pub user_namespace: Option<Arc<OwnedFd>>,
    /// The mount options of the task's own pseudoterminals.
    pub terminals: Option<Arc<CString>>,
    /// The ids to switch to; `None` keeps those of the runner.
    pub id: Option<TaskId>,
    pub scope: Option<Arc<OwnedFd>>,
    pub inherit: Vec<OwnedFd>,
}

/// Starts `program` confined and with an empty environment. The caller reaps it.
pub(super) fn spawn(
    program: &Path,
    arguments: &[String],
    standard: [OwnedFd; 3],
    confinement: Confinement,
) -> io::Result<Pid> {
    let [stdin, stdout, stderr] = standard;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().current_dir("/").stdin(stdin).stdout(stdout).stderr(stderr);
    // SAFETY: `confine` only makes system calls: it takes no lock and allocates nothing, as the child of a fork must not.
    unsafe { command.pre_exec(move || confine(&confinement)) };
    let child = command.spawn()?;
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("a process without an id"))
}

fn confine(confinement: &Confinement) -> io::Result<()> {
    for cgroup in &confinement.cgroups {
        rustix::io::write(cgroup, b"0")?;
    }
    // When the machine runs out of memory, the kernel kills the sandbox first; a higher inherited score is kept.
    if let Ok(score) = open(c"/proc/self/oom_score_adj", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()) {
        let _ = rustix::io::write(&score, b"900");
    }
    for &(resource, limit) in &confinement.limits {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    if confinement.niceness != 0 {
        setpriority_process(None, confinement.niceness)?;
    }
    umask(Mode::from_raw_mode(0o022));
    if let Some(namespace) = &confinement.user_namespace {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::User))?;
    }
    if let Some(options) = &confinement.terminals {
        // SAFETY: this process has one thread, and shares its descriptors with no other.
        unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
        mount_change(c"/", MountPropagationFlags::REC | MountPropagationFlags::DOWNSTREAM)?;
        let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
        mount(c"devpts", TERMINALS, c"devpts", flags, Some(options.as_c_str()))?;
    }
    if let Some(id) = &confinement.id {
        // Groups first: without root they cannot be changed. Any failure here ends the child (E3).
        let (uid, gid) = (Uid::from_raw(id.uid), Gid::from_raw(id.gid));
        set_thread_groups(&[])?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
    }
    // Bubblewrap sets this itself, but later, and a change of user resets it (E9).
    set_parent_process_death_signal(Some(Signal::KILL))?;
    set_no_new_privs(true)?;
    if let Some(scope) = &confinement.scope {
        // SAFETY: takes a descriptor and a number.
        call(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, scope.as_raw_fd(), 0) })?;
    }
    close_all_on_exec()?;
    for descriptor in &confinement.inherit {
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::empty())?;
    }
    Ok(())
}

/// Starts the first process of a task from process 1: in a session of its own, and with no signal blocked.
pub(super) fn spawn_as_session(mut command: Command) -> io::Result<Child> {
    let prepare = || {
        setsid()?;
        block_child_signal(libc::SIG_UNBLOCK)
    };
    // SAFETY: makes two system calls.
    unsafe { command.pre_exec(prepare) };
    command.spawn()
}

/// Returns a descriptor that is readable when a child has ended (signalfd(2)).
pub(super) fn watch_children() -> io::Result<OwnedFd> {
    block_child_signal(libc::SIG_BLOCK)?;
    let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
    let signals = child_signal();
    // SAFETY: the kernel reads the set that the pointer names.
    let descriptor = call(unsafe { libc::signalfd(-1, &raw const signals, flags) }.into())?;
    let descriptor = RawFd::try_from(descriptor).map_err(io::Error::other)?;
    // SAFETY: a new descriptor that nothing else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Sends a signal to every process of this process namespace except to this one, its process 1 (kill(2)).
pub(super) fn signal_all_others(signal: Signal) -> io::Result<()> {
    // SAFETY: takes two numbers.
    call(unsafe { libc::kill(-1, signal.as_raw()) }.into()).map(drop)
}

fn block_child_signal(how: libc::c_int) -> io::Result<()> {
    let signals = child_signal();
    // SAFETY: reads the set that the pointer names, in a process with one thread.
    call(unsafe { libc::sigprocmask(how, &raw const signals, std::ptr::null_mut()) }.into()).map(drop)
}

/// Returns the set of SIGCHLD alone.
fn child_signal() -> libc::sigset_t {
    // SAFETY: all zeroes is a value of this plain structure of numbers, and both calls write to it alone.
    unsafe {
        let mut signals = std::mem::zeroed();
        libc::sigemptyset(&raw mut signals);
        libc::sigaddset(&raw mut signals, libc::SIGCHLD);
        signals
    }
}

/// Starts a process that does nothing in a new user namespace, which has no ids yet; it ends with its standard input.
pub(super) fn spawn_in_new_user_namespace() -> io::Result<Child> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "read -r end"]).env_clear().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: makes one system call in a process with one thread.
    unsafe { command.pre_exec(|| unshare_unsafe(UnshareFlags::NEWUSER).map_err(Into::into)) };
    command.spawn()
}

/// Changes kernel settings of a user namespace (namespaces(7), `/proc/sys/user`).
pub(super) fn configure_namespace(namespace: Arc<OwnedFd>, settings: Vec<Setting>) -> io::Result<()> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", ":"]).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let configure = move || {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::User))?;
        for Setting { path, value } in &settings {
            let file = open(*path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
            rustix::io::write(&file, value.as_bytes())?;
        }
        Ok(())
    };
    // SAFETY: only makes system calls, as `confine`.
    unsafe { command.pre_exec(configure) };
    command.status().map(drop)
}

/// Locks or unlocks one byte of a file for this open file description (fcntl(2), `F_OFD_SETLK`).
pub(super) fn lock_byte(file: &OwnedFd, offset: i64, exclusive: bool) -> io::Result<()> {
    let kind = if exclusive { libc::F_WRLCK } else { libc::F_UNLCK };
    // SAFETY: all zeroes is a value of this plain structure of numbers.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::c_short::try_from(kind).map_err(io::Error::other)?;
    lock.l_whence = libc::c_short::try_from(libc::SEEK_SET).map_err(io::Error::other)?;
    (lock.l_start, lock.l_len) = (offset, 1);
    // SAFETY: the kernel reads the structure that the pointer names.
    call(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) }.into()).map(drop)
}

/// Otherwise descriptors that a library opened without `O_CLOEXEC` would be open in the sandbox (E2).
pub(super) fn close_all_on_exec() -> io::Result<()> {
    // SAFETY: takes three numbers; descriptors are marked, none is closed under its owner.
    call(unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) }).map(drop)
}

/// Returns a Landlock ruleset that confines signals and abstract Unix sockets (Linux 6.12, ABI 6); `None` if the
/// kernel does not support it.
pub(super) fn landlock_scope() -> Option<OwnedFd> {
    /// `struct landlock_ruleset_attr` of linux/landlock.h.
    #[repr(C)]
    struct Ruleset {
        handled_access_fs: u64,
        handled_access_net: u64,
        scoped: u64,
    }
    const SCOPE_ABSTRACT_UNIX_SOCKET: u64 = 1;
    const SCOPE_SIGNAL: u64 = 2;
    let ruleset =
        Ruleset { handled_access_fs: 0, handled_access_net: 0, scoped: SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL };
    // SAFETY: the kernel reads the given number of bytes of the ruleset.
    let made =
        call(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const ruleset, size_of::<Ruleset>(), 0) });
    let descriptor = RawFd::try_from(made.ok()?).ok()?;
    // SAFETY: a new descriptor that nothing else owns.
    Some(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// A process that ended, and the resource usage of it and its reaped children.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProcessExit {
    pub status: ExitStatus,
    pub cpu: Duration,
}

/// Reaps a child that has ended; `None` while it runs.
pub(super) fn reap(pid: Pid) -> io::Result<Option<ProcessExit>> {
    wait(pid, libc::WNOHANG)
}

/// Reaps a child that was killed and is about to end.
pub(super) fn reap_killed(pid: Pid) -> io::Result<Option<ProcessExit>> {
    wait(pid, 0)
}

fn wait(pid: Pid, options: libc::c_int) -> io::Result<Option<ProcessExit>> {
    let mut status = 0;
    // SAFETY: all zeroes is a value of this plain structure of numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to our own variables of the types the call fills.
    let ended = unsafe { libc::wait4(pid.as_raw_nonzero().get(), &raw mut status, options, &raw mut usage) };
    if call(ended.into())? == 0 {
        return Ok(None);
    }
    let time = |t: libc::timeval| {
        Duration::from_secs(t.tv_sec.unsigned_abs()) + Duration::from_micros(t.tv_usec.unsigned_abs())
    };
    Ok(Some(ProcessExit { status: ExitStatus::from_raw(status), cpu: time(usage.ru_utime) + time(usage.ru_stime) }))
}

/// Returns a process handle that becomes readable when the process ends.
pub(super) fn ends(pid: Pid) -> io::Result<AsyncFd<OwnedFd>> {
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    // SAFETY: the descriptor is owned by what is returned, and an `OwnedFd` stays open and the same until it is dropped.
    unsafe { AsyncFd::register_with_interest(process, Interest::READABLE) }.map_err(Into::into)
}

/// Returns whether a process has ended, with all of its process namespace if it is the first of one.
pub(super) fn has_ended(process: &OwnedFd) -> bool {
    let mut waiting = [PollFd::new(process, PollFlags::IN)];
    poll(&mut waiting, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

fn call(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
