//! System-call filter (E4, E5): the kernel refuses calls that a task does not need.
//!
//! The architecture check at the start of every program kills processes in another mode (32-bit programs).

use seccompiler::{
    BackendError, BpfProgram, SeccompAction,
    SeccompCmpArgLen::Dword,
    SeccompCmpOp::{self, Eq, MaskedEq, Ne},
    SeccompCondition, SeccompFilter, SeccompRule, sock_filter,
};
use std::collections::BTreeMap;

const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
const AF_NETLINK: u64 = 16;

const NETLINK_ROUTE: u64 = 0;
/// Unspecified, TCP, UDP, and the unprivileged echo of ICMP: the kernel loads no module for these.
const IPV4_PROTOCOLS: [u64; 4] = [0, 6, 17, 1];
const IPV6_PROTOCOLS: [u64; 4] = [0, 6, 17, 58];

const SOL_SOCKET: u64 = 1;
const SO_SNDBUF: u64 = 7;
const SO_RCVBUF: u64 = 8;

/// Requests that inject terminal input, copy from the console or load a line discipline.
const IOCTLS: [u64; 3] = [0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */, 0x5423 /* TIOCSETD */];

/// Every CLONE_NEW flag of clone(2): cgroup, UTS, IPC, user, PID, network, mount.
const NAMESPACES: [u64; 7] =
    [0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000, 0x0002_0000];
/// CLONE_NEWTIME is for unshare(2) only: in clone(2) these bits are the exit signal.
const TIME_NAMESPACE: u64 = 0x80;

/// open_tree_attr(2) of Linux 6.15, which libc does not name yet; the number is the same everywhere.
const SYS_OPEN_TREE_ATTR: i64 = 467;

/// Refused with EPERM for any arguments: kernel state, other processes, mounts, namespaces, tracing.
const REFUSED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_memfd_secret,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    SYS_OPEN_TREE_ATTR,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[i64] = &[
    libc::SYS__sysctl,
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_modify_ldt,
    libc::SYS_sysfs,
    libc::SYS_uselib,
    libc::SYS_ustat,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[i64] = &[];

/// Refused with ENOSYS, so that programs fall back: clone3 hides its flags behind a pointer, io_uring opens sockets that
/// no filter sees, and the requests of asynchronous I/O are limited for the whole machine only (E20).
const ABSENT: &[i64] = &[
    libc::SYS_clone3,
    libc::SYS_io_cancel,
    libc::SYS_io_destroy,
    libc::SYS_io_getevents,
    libc::SYS_io_setup,
    libc::SYS_io_submit,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
];

/// Memory that belongs to no process and no mount with a size limit; only a cgroup counts it.
const UNMETERED: &[i64] = &[libc::SYS_memfd_create, libc::SYS_msgget, libc::SYS_semget, libc::SYS_shmget];

/// The filter programs in the kernel's format, to be loaded in this order.
#[derive(Debug)]
pub(super) struct Filters {
    pub refused: Vec<u8>,
    pub absent: Vec<u8>,
}

impl Filters {
    /// `unix`: whether sockets of the machine can be named, `metered`: whether a cgroup counts memory.
    pub fn build(unix: bool, metered: bool) -> Result<Self, BackendError> {
        let mut refused: BTreeMap<_, _> = REFUSED.iter().chain(REFUSED_HERE).map(|&call| (call, vec![])).collect();
        refused.insert(libc::SYS_socket, sockets(unix)?);
        refused.insert(libc::SYS_socketpair, vec![all([(0, Ne, AF_UNIX)])?]);
        refused.insert(libc::SYS_ioctl, any(IOCTLS.map(|request| (1, Eq, request)))?);
        refused.insert(libc::SYS_clone, any(NAMESPACES.map(|flag| (0, MaskedEq(flag), flag)))?);
        let mut unshare = any(NAMESPACES.map(|flag| (0, MaskedEq(flag), flag)))?;
        unshare.push(all([(0, MaskedEq(TIME_NAMESPACE), TIME_NAMESPACE)])?);
        refused.insert(libc::SYS_unshare, unshare);

        if !metered {
            // Otherwise the size of socket buffers could not be estimated by the number of sockets.
            refused.insert(
                libc::SYS_setsockopt,
                vec![all([(1, Eq, SOL_SOCKET), (2, Eq, SO_SNDBUF)])?, all([(1, Eq, SOL_SOCKET), (2, Eq, SO_RCVBUF)])?],
            );
        }

        let mut absent: BTreeMap<_, _> = ABSENT.iter().map(|&call| (call, vec![])).collect();
        if !metered {
            absent.extend(UNMETERED.iter().map(|&call| (call, vec![])));
        }
        Ok(Self {
            refused: program(refused, libc::EPERM.unsigned_abs())?,
            absent: program(absent, libc::ENOSYS.unsigned_abs())?,
        })
    }
}

type Condition = (u8, SeccompCmpOp, u64);

fn sockets(unix: bool) -> Result<Vec<SeccompRule>, BackendError> {
    let families = [AF_INET, AF_INET6, AF_NETLINK, if unix { AF_UNIX } else { AF_INET }];
    let only =
        |family, protocols: &[u64]| all([(0, Eq, family)].into_iter().chain(protocols.iter().map(|&p| (2, Ne, p))));
    Ok(vec![
        all(families.map(|family| (0, Ne, family)))?,
        only(AF_INET, &IPV4_PROTOCOLS)?,
        only(AF_INET6, &IPV6_PROTOCOLS)?,
        only(AF_NETLINK, &[NETLINK_ROUTE])?,
    ])
}

/// Returns one rule per condition: any of them refuses.
fn any(conditions: impl IntoIterator<Item = Condition>) -> Result<Vec<SeccompRule>, BackendError> {
    conditions.into_iter().map(|condition| all([condition])).collect()
}

/// Returns one rule: all conditions together refuse. The kernel reads these arguments as 32 bits, so the filter must
/// as well.
fn all(conditions: impl IntoIterator<Item = Condition>) -> Result<SeccompRule, BackendError> {
    let conditions =
        conditions.into_iter().map(|(argument, op, value)| SeccompCondition::new(argument, Dword, op, value));
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}

fn program(rules: BTreeMap<i64, Vec<SeccompRule>>, errno: u32) -> Result<Vec<u8>, BackendError> {
    let arch = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno), arch)?;
    let mut instructions = refuse_x32();
    instructions.extend(BpfProgram::try_from(filter)?);
    Ok(instructions.iter().flat_map(encode).collect())
}

/// Refuses the x32 ABI, which has x86_64's architecture but numbers its calls from 2^30, so that no rule would match.
fn refuse_x32() -> BpfProgram {
    const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS: the call's number
    const AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    let step = |code, jf, k| sock_filter { code, jt: 0, jf, k };
    if cfg!(target_arch = "x86_64") {
        vec![step(LOAD, 0, 0), step(AT_LEAST, 1, 1 << 30), step(RETURN, 0, ENOSYS)]
    } else {
        vec![]
    }
}

/// Encodes `struct sock_filter` of linux/filter.h.
fn encode(step: &sock_filter) -> [u8; 8] {
    let [code_0, code_1] = step.code.to_ne_bytes();
    let [k_0, k_1, k_2, k_3] = step.k.to_ne_bytes();
    [code_0, code_1, step.jt, step.jf, k_0, k_1, k_2, k_3]
}
