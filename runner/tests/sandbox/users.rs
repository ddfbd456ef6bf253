//! Kernel user ids of tasks, and the resources that the kernel limits per user or for the whole machine (E20).

use super::*;
use std::collections::HashSet;

/// Takes all it can get of each resource, prints the amounts, and keeps everything until it is stopped.
const GREEDY: &str = r#"
import ctypes, errno, fcntl, os, platform, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
kept = []
def until_refused(take, most):
    count = 0
    try:
        while count < most:
            kept.append(take())
            count += 1
    except OSError as error:
        print(errno.errorcode[error.errno], file=sys.stderr)
    return count
def checked(result):
    if result < 0: raise OSError(ctypes.get_errno(), '')
    return result
def pipe():
    ends = os.pipe()
    kept.append(ends)
    fcntl.fcntl(ends[1], 1031, 1 << 20)  # F_SETPIPE_SZ
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
arm = platform.machine() == 'aarch64'
amounts = dict(
    inotify=until_refused(lambda: checked(libc.inotify_init()), 200),
    queues=until_refused(lambda: checked(libc.mq_open(b'/%d' % len(kept), os.O_CREAT | os.O_RDWR, 0o600, None)), 200),
    signals=until_refused(lambda: checked(libc.sigqueue(os.getpid(), signal.SIGRTMIN, None)), 200_000),
    terminals=until_refused(os.openpty, 5_000),
    pipes=until_refused(pipe, 200),
    aio=until_refused(lambda: checked(libc.syscall(0 if arm else 206, 1, ctypes.byref(ctypes.c_ulong()))), 100),
)
print(amounts, flush=True)
if len(sys.argv) > 1: time.sleep(3615)
"#;

#[derive(Debug, serde::Deserialize)]
struct Amounts {
    inotify: u32,
    queues: u32,
    signals: u32,
    terminals: u32,
    pipes: u32,
    aio: u32,
}

fn amounts(printed: &str) -> Amounts {
    serde_json::from_str(&printed.replace('\'', "\"")).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// S-10: what one task holds of the kernel's resources is not missing for another task or for the machine.
#[tokio::test]
async fn trap_e20_a_greedy_task_leaves_kernel_resources_to_others() {
    let executor = executor().await;
    let mut job = python(GREEDY);
    job.argv.push("hold".into());
    let mut greedy = executor.start(job).await.unwrap();
    let mut held = String::new();
    while !held.contains("aio") {
        let chunk = greedy.output.recv().await.unwrap();
        if chunk.stream == Stream::Stdout {
            held += std::str::from_utf8(&chunk.bytes).unwrap();
        }
    }
    let held = amounts(&held);
    println!("{held:?}");
    assert_eq!(held.aio, 0, "requests of asynchronous I/O are counted for the whole machine");
    assert!((1..=64).contains(&held.terminals) && held.queues > 0 && (1..=4_096).contains(&held.signals), "{held:?}");

    // The machine.
    rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::CLOEXEC).unwrap();
    rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();

    // Another task.
    let other = finish(executor.start(python(GREEDY)).await.unwrap()).await;
    let other = amounts(&other.text());
    println!("{other:?}");
    assert_eq!(other.terminals, held.terminals);
    if executor.posture().separate_ids {
        assert_eq!((other.inotify, other.signals, other.queues), (held.inotify, held.signals, held.queues));
        assert!(other.pipes > 0 && other.inotify > 0, "{other:?}");
    } else {
        // The posture says so.
        assert!(executor.posture().ids_note.contains("a task can use up inotify instances, pipe buffers"));
    }
    greedy.handle.stop(Duration::ZERO);
    greedy.handle.wait().await;
}

#[tokio::test]
async fn trap_e20_asynchronous_io_is_absent() {
    let script = "
import ctypes, errno, platform
libc = ctypes.CDLL(None, use_errno=True)
numbers = (0, 1, 2, 3, 4, 425, 426, 427) if platform.machine() == 'aarch64' else (206, 207, 208, 209, 210, 425, 426, 427)
def call(number):
    libc.syscall(ctypes.c_long(number), 0, 0, 0, 0, 0)
    return errno.errorcode[ctypes.get_errno()]
print({call(number) for number in numbers})";
    assert_eq!(output_of(python(script)).await, "{'ENOSYS'}");
}

/// Returns the user id of the process with this command line, as the machine sees it.
fn user_of(command: &str) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", processes_with(command).first()?)).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
}

#[tokio::test]
async fn trap_e20_no_two_running_tasks_have_one_id() {
    // Two executors, as two runners of one account.
    let executors = [executor().await, executor().await];
    let mut running = vec![];
    for number in 0..12_u32 {
        let nap = nap(3616 + number, std::process::id());
        running
            .push((executors[usize::from(number % 2 == 0)].start(bash(&format!("{nap}; true"))).await.unwrap(), nap));
    }
    let mut ids = HashSet::new();
    for (_, nap) in &running {
        eventually("the task runs", || user_of(nap).is_some()).await;
        ids.insert(user_of(nap).unwrap());
    }
    assert!(!ids.contains(&0) && !ids.contains(&65_534), "{ids:?}");
    assert_eq!(ids.len(), if executors[0].posture().separate_ids { 12 } else { 1 }, "{ids:?}");
    for (task, _) in running {
        task.handle.stop(Duration::ZERO);
        task.handle.wait().await;
    }
}

/// Returns the owners of the machine's processes.
fn owners() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| Some(std::os::unix::fs::MetadataExt::uid(&entry.metadata().ok()?))).collect()
}

#[tokio::test]
async fn trap_e20_a_runner_that_crashed_leaves_no_id_behind() {
    let this = std::env::current_exe().unwrap();
    let nap = nap(3630, std::process::id());
    let mut runner = play("users::starts_a_task_and_waits", &this).env("CASTELLAN_TEST_NAP", &nap).spawn().unwrap();
    eventually("the task runs", || user_of(&nap).is_some()).await;
    let id = user_of(&nap).unwrap();
    runner.kill().unwrap();
    runner.wait().unwrap();
    eventually("the task has ended", || processes_with(&nap).is_empty()).await;

    let executor = executor().await;
    assert_eq!(finish(executor.start(bash("echo works")).await.unwrap()).await.text(), "works");
    if executor.posture().separate_ids {
        assert_ne!(id, rustix::process::geteuid().as_raw());
        eventually("no process of the id is left", || !owners().contains(&id)).await;
    }
}

/// Run by the test above; on its own it does nothing.
#[tokio::test]
async fn starts_a_task_and_waits() {
    if !plays("users::starts_a_task_and_waits") {
        return;
    }
    let nap = std::env::var("CASTELLAN_TEST_NAP").unwrap();
    let running = executor().await.start(bash(&format!("{nap}; true"))).await.unwrap();
    running.handle.wait().await;
}
