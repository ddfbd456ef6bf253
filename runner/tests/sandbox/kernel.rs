//! System calls of sandboxed tasks.

use super::*;

/// Calls by number and prints the name of the error.
const CALL: &str = "
import ctypes, errno, os, platform
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    return errno.errorcode.get(ctypes.get_errno(), 'fine') if result < 0 else 'fine'
arm = platform.machine() == 'aarch64'
";

async fn error_names(script: &str) -> String {
    output_of(python(&format!("{CALL}{script}"))).await
}

#[tokio::test]
async fn trap_e04_only_ordinary_sockets_can_be_made() {
    let script = "
import socket
made = set()
for family in range(0, 64):
    for kind in (1, 2, 3, 4, 5, 10):
        for protocol in (0, 1, 3, 15, 33, 115, 132, 136, 262, 768):
            try:
                socket.socket(family, kind, protocol).close()
                made.add((family, kind, protocol))
            except OSError:
                pass
print(sorted({f for f, k, p in made}), sorted({p for f, k, p in made if f != 1}))";
    // Unix, IPv4, IPv6 and netlink's routes; and of the protocols only TCP, UDP (0) and the echo of ICMP.
    let made = output_of(python(script)).await;
    assert!(made == "[1, 2, 10, 16] [0]" || made == "[1, 2, 10, 16] [0, 1]", "{made}");
}

#[tokio::test]
async fn trap_e04_vsock_high_argument_bits_and_io_uring_do_not_bypass_the_filter() {
    let script = "
SOCKET = 198 if arm else 41
print(call(SOCKET, 40, 1, 0), call(SOCKET, 0x100000000 + 40, 1, 0), call(SOCKET, 38, 5, 0), call(SOCKET, 17, 3, 0))
print(call(425, 8, ctypes.create_string_buffer(256)), call(426, 0, 0, 0, 0, 0, 0), call(427, 0, 0, 0, 0))
print(call(0x40000000 + 41, 40, 1, 0) if not arm else 'ENOSYS')";
    assert_eq!(error_names(script).await, "EPERM EPERM EPERM EPERM\nENOSYS ENOSYS ENOSYS\nENOSYS");
}

#[tokio::test]
async fn trap_e05_terminal_input_cannot_be_injected() {
    let script = "
import fcntl, pty, termios
pid, master = pty.fork()
if pid == 0:
    for request in (0x5412, 0x541c, 0x100005412, 0x5423):
        try:
            libc.ioctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_char_p]
            print('fine' if libc.ioctl(0, request, b'x') == 0 else errno.errorcode[ctypes.get_errno()], end=' ', flush=True)
        except OSError as error:
            print(errno.errorcode[error.errno], end=' ', flush=True)
    os._exit(0)
text = b''
try:
    while piece := os.read(master, 1000): text += piece
except OSError: pass
print(text.decode())
try: open('/dev/tty'); print('a terminal')
except OSError as error: print(errno.errorcode[error.errno])";
    assert_eq!(error_names(script).await, "EPERM EPERM EPERM EPERM \nENXIO");
}

#[tokio::test]
async fn mounts_and_namespaces_are_refused() {
    let script = "
CLONE, UNSHARE, MOUNT, SETNS, CHROOT = (220, 97, 40, 268, 51) if arm else (56, 272, 165, 308, 161)
flags = [0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000, 0x80]
print({call(UNSHARE, f) for f in flags}, {call(CLONE, f | 17, 0, 0, 0, 0) for f in flags[:7]}, call(435, 0, 0))
print(call(MOUNT, b'none', b'/work', b'tmpfs', 0, 0), call(SETNS, 0, 0), call(CHROOT, b'/work'), {call(n, 0, 0, 0, 0, 0) for n in (428, 429, 430, 431, 432, 433, 442, 467)})";
    assert_eq!(error_names(script).await, "{'EPERM'} {'EPERM'} ENOSYS\nEPERM EPERM EPERM {'EPERM'}");
}

#[tokio::test]
async fn dangerous_system_calls_are_refused() {
    let script = "
doors = dict(bpf=280, perf_event_open=241, keyctl=219, add_key=217, request_key=218, ptrace=117, userfaultfd=282, kexec_load=104, init_module=105, finit_module=273, delete_module=106,
    open_by_handle_at=265, name_to_handle_at=264, process_vm_readv=270, reboot=142, swapon=224, syslog=116, quotactl=60, acct=89, settimeofday=170, clock_settime=112) if arm else dict(
    bpf=321, perf_event_open=298, keyctl=250, add_key=248, request_key=249, ptrace=101, userfaultfd=323, kexec_load=246, init_module=175, finit_module=313, delete_module=176,
    open_by_handle_at=304, name_to_handle_at=303, process_vm_readv=310, reboot=169, swapon=167, syslog=103, quotactl=179, acct=163, settimeofday=164, clock_settime=227, iopl=172, modify_ldt=154)
print({name: answer for name, number in doors.items() if (answer := call(number, 0, 0, 0, 0, 0)) != 'EPERM'})";
    assert_eq!(error_names(script).await, "{}");
}

#[tokio::test]
async fn programs_in_32_bit_mode_are_killed() {
    // int 0x80 is the 32-bit system-call entry of x86_64; here it calls getpid from a page of machine code.
    let script = "
import mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(b'\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3')
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
if arm: os.kill(os.getpid(), 31)
print(ctypes.CFUNCTYPE(ctypes.c_int)(address)())";
    let ran = run(bash(&format!("python3 - <<'END'\n{CALL}{script}\nEND\necho $?"))).await;
    assert!(["159", "139"].contains(&ran.text().as_str()), "{} {}", ran.text(), ran.errors());
}

#[tokio::test]
async fn setuid_has_no_effect_and_all_capabilities_are_dropped() {
    let text = output_of(bash("grep -E '^(NoNewPrivs|Seccomp|CapInh|CapPrm|CapEff|CapAmb):' /proc/self/status | tr -d ' \\t'; for m in / /usr /work /tmp; do findmnt -no OPTIONS $m 2>/dev/null | grep -c nosuid; done")).await;
    assert_eq!(
        text,
        "CapInh:0000000000000000\nCapPrm:0000000000000000\nCapEff:0000000000000000\nCapAmb:0000000000000000\nNoNewPrivs:1\nSeccomp:2\n1\n1\n1\n1"
    );
    // A zombie process still shows its owner.
    let script = "
import subprocess
programs = subprocess.run(['find', '/usr', '-perm', '-4000', '-type', 'f'], capture_output=True, text=True).stdout.split()
users, quiet = {}, dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
for program in programs:
    try: child = subprocess.Popen([program, '--help'], **quiet)
    except PermissionError: continue
    status = open(f'/proc/{child.pid}/status').read()
    users[program] = [line.split()[1:] for line in status.splitlines() if line.startswith('Uid:')]
    child.kill()
    child.wait()
print(len(users) > 0, {program: user for program, user in users.items() if user != [['1000'] * 4]})";
    assert_eq!(output_of(python(script)).await, "True {}");
}
