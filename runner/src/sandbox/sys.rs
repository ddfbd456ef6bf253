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
    convert::Infallible,
    ffi::{CStr, CString},
    io,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::{
            ffi::OsStrExt,
            process::{CommandExt, ExitStatusExt},
        },
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
    pub scope: Option<Arc<OwnedFd>>,
    /// The descriptors that stay open.
    pub inherit: Vec<Arc<OwnedFd>>,
}

/// The maximum number of arguments of a program that [`spawn`] starts.
const MAX_WORDS: usize = 8;

/// The length in bytes of what [`release`] returns.
const RELEASE_LENGTH: usize = 9;

/// Returns the message for a process that [`spawn`] started: it switches to these ids, or keeps those of the runner, and becomes the
/// program.
pub(super) fn release(id: Option<TaskId>) -> [u8; RELEASE_LENGTH] {
    let mut message = [0; RELEASE_LENGTH];
    if let Some(TaskId { uid, gid }) = id {
        let ids = [&[1][..], &uid.to_ne_bytes(), &gid.to_ne_bytes()].concat();
        message.copy_from_slice(&ids);
    }
    message
}

fn released_id(message: [u8; RELEASE_LENGTH]) -> Option<TaskId> {
    let [switches, a, b, c, d, e, f, g, h] = message;
    (switches == 1).then(|| TaskId { uid: u32::from_ne_bytes([a, b, c, d]), gid: u32::from_ne_bytes([e, f, g, h]) })
}

/// Starts a process that enters its cgroups and waits on its standard input for what [`release`] returns. Then it becomes `program`,
/// confined and with an empty environment. Until then it holds none of the runner's descriptors but its own. It writes an error to
/// its standard error, and exits when its standard input is closed. The caller reaps it.
///
/// Entering a cgroup can take longer than everything else: the kernel waits for an RCU grace period.
pub(super) fn spawn<const WORDS: usize>(
    program: &Path,
    arguments: &[String; WORDS],
    standard: [OwnedFd; 3],
    confinement: Confinement,
) -> io::Result<Pid> {
    let [stdin, stdout, stderr] = standard;
    let name = CString::new(program.as_os_str().as_bytes())?;
    let words = arguments.iter().map(|word| CString::new(word.as_bytes())).collect::<Result<Vec<_>, _>>()?;
    let mut keep: Vec<_> = confinement.descriptors().collect();
    keep.sort_unstable();
    let mut command = Command::new(program);
    command.env_clear().current_dir("/").stdin(stdin).stdout(stdout).stderr(stderr);
    let become_program = move || -> io::Result<()> {
        // This closes also what the library would report errors on: the call below returns as soon as it is closed.
        close_all_but(&keep);
        let Err(error) = confine(&confinement).and_then(|()| execute(&name, &words));
        write_error(&error);
        // SAFETY: ends this process, without the library's code for the end of a program.
        unsafe { libc::_exit(126) }
    };
    // SAFETY: it only makes system calls: it takes no lock and allocates nothing, as the child of a fork must not.
    unsafe { command.pre_exec(become_program) };
    let child = command.spawn()?;
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("a process without an id"))
}

/// Closes all descriptors from 3 on but those in `keep`, which is in ascending order.
fn close_all_but(keep: &[RawFd]) {
    let mut from: libc::c_uint = 3;
    for descriptor in keep.iter().filter_map(|descriptor| libc::c_uint::try_from(*descriptor).ok()) {
        if descriptor > from {
            close_range(from, descriptor - 1);
        }
        from = descriptor + 1;
    }
    close_range(from, libc::c_uint::MAX);
}

/// Only for the child of a fork, which does not use the descriptors of the runner.
fn close_range(first: libc::c_uint, last: libc::c_uint) {
    // SAFETY: takes three numbers. It cannot fail: without this system call (Linux 5.9), no sandbox starts.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
}

/// Becomes a program without an environment.
fn execute(program: &CStr, words: &[CString]) -> io::Result<Infallible> {
    let mut pointers = [std::ptr::null(); MAX_WORDS + 2];
    let [first, rest @ .., _] = &mut pointers;
    *first = program.as_ptr();
    rest.iter_mut().zip(words).for_each(|(pointer, word)| *pointer = word.as_ptr());
    let environment = [std::ptr::null()];
    // SAFETY: both lists end with a null, and what they point to lives.
    unsafe { libc::execve(program.as_ptr(), pointers.as_ptr(), environment.as_ptr()) };
    Err(io::Error::last_os_error())
}

/// Writes an error to standard error, without allocation.
fn write_error(error: &io::Error) {
    let mut text = *b"the process of the sandbox cannot be confined (os error    )";
    let number = error.raw_os_error().and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
    let digits =
        [number / 100 % 10, number / 10 % 10, number % 10].map(|digit| b'0' + u8::try_from(digit).unwrap_or(0));
    if let Some(place) = text.rsplit_mut(|byte| *byte == b'r').next().and_then(|end| end.get_mut(1..4)) {
        place.copy_from_slice(&digits);
    }
    let _ = rustix::io::write(rustix::stdio::stderr(), &text);
}

impl Confinement {
    /// Returns the descriptors that it uses or keeps open.
    fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        let owned = self.cgroups.iter().chain(self.user_namespace.as_deref()).chain(self.scope.as_deref());
        owned.chain(self.inherit.iter().map(|descriptor| &**descriptor)).map(AsRawFd::as_raw_fd)
    }
}

fn confine(confinement: &Confinement) -> io::Result<()> {
    // Also before the change of user below, which resets it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    for cgroup in &confinement.cgroups {
        rustix::io::write(cgroup, b"0")?;
    }
    let mut message = [0; RELEASE_LENGTH];
    let length = rustix::io::retry_on_intr(|| rustix::io::read(rustix::stdio::stdin(), &mut message))?;
    if length < RELEASE_LENGTH {
        return Err(io::ErrorKind::UnexpectedEof.into());
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
    if let Some(id) = released_id(message) {
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
