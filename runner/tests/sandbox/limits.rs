//! Resource limits of sandboxed tasks, and the health of the machine when they are exceeded.

use super::*;
use std::time::Instant;

async fn limited(change: impl FnOnce(&mut Limits), mut job: Job) -> JobResult {
    change(&mut job.limits);
    run(job).await
}

#[tokio::test]
async fn a_fork_bomb_stays_within_its_process_limit_and_does_not_slow_the_machine() {
    let executor = executor().await;
    let mut job = bash("f() { f | f & }; f; sleep 3610");
    let mark = job.id.clone();
    job.argv.push(mark.clone());
    job.limits.processes = 24;
    job.limits.wall = Duration::from_secs(3);
    let running = executor.start(job).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let forks = processes_with(&mark).len();
    assert!((5..=26).contains(&forks), "{forks} processes");
    let began = Instant::now();
    assert!(Command::new("true").status().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(2), "the machine is slow: {:?}", began.elapsed());
    let ran = finish(running).await;
    assert!(
        ran.errors().contains("Resource temporarily unavailable") || ran.errors().contains("fork"),
        "{}",
        ran.errors()
    );
    assert!(matches!(ran.outcome.end, End::TimedOut | End::Exited(_) | End::Signaled(_)), "{:?}", ran.outcome.end);
}

#[tokio::test]
async fn the_process_limit_is_exact_to_a_few() {
    let script = "import os\nn = 0\ntry:\n  while True:\n    if os.fork() == 0:\n      import time; time.sleep(60)\n    n += 1\nexcept OSError: print(n, flush=True)\nos._exit(0)";
    let made: u32 = limited(|limits| limits.processes = 10, python(script)).await.text().parse().unwrap();
    assert!((8..=10).contains(&made), "{made} children");
}

#[tokio::test]
async fn memory_beyond_the_limit_ends_the_task() {
    let job = python("x = []\nfor _ in range(64): x.append(bytearray(16 << 20))\nprint('all of it')");
    let ran = limited(|limits| limits.memory_bytes = 128 * MIB, job).await;
    assert!(!ran.text().contains("all"), "a gigabyte fitted into 128 MiB");
    let posture = executor().await.posture().limiter;
    match posture {
        runner::sandbox::Limiter::Rlimits => {
            assert!(matches!(ran.outcome.end, End::OutOfMemory | End::Exited(1)), "{:?}", ran.outcome)
        }
        _ => assert_eq!(ran.outcome.end, End::OutOfMemory),
    }
    assert!(ran.outcome.peak_memory.unwrap_or(0) <= 160 * MIB, "{:?}", ran.outcome);
}

#[tokio::test]
async fn memory_shared_between_many_processes_is_counted_in_sum() {
    // Each process is below the limit; their sum is not.
    let script = "import os, time\nfor _ in range(8):\n  if os.fork() == 0:\n    x = bytearray(48 << 20)\n    time.sleep(2)\n    os._exit(0)\nos._exit(1 if any([os.wait()[1] for _ in range(8)]) else 0)";
    let ran = limited(|limits| limits.memory_bytes = 128 * MIB, python(script)).await;
    assert!(ran.outcome.out_of_memory, "{:?}", ran.outcome);
    assert!(matches!(ran.outcome.end, End::OutOfMemory | End::Exited(1)), "{:?}", ran.outcome);
    assert_ne!(ran.outcome.peak_memory, None);
}

#[tokio::test]
async fn memory_without_an_owning_process_is_counted_or_refused() {
    let script = "import os, time\ntotal = 0\ntry:\n  for _ in range(64):\n    fd = os.memfd_create('x')\n    total += os.write(fd, bytes(16 << 20))\nexcept OSError as error: print(error)\nprint(total >> 20)";
    let ran = limited(|limits| limits.memory_bytes = 128 * MIB, python(script)).await;
    let kept: u64 = ran.text().lines().last().and_then(|line| line.parse().ok()).unwrap_or(0);
    assert!(kept < 128, "{kept} MiB in files without a name");
}

/// Without a cgroup, the number of sockets is limited by what they can hold.
#[tokio::test]
async fn memory_in_socket_buffers_is_counted() {
    let script = "
import socket, time
kept = []
for _ in range(400):
    ends = socket.socketpair()
    kept.append(ends)
    for end in ends:
        end.setblocking(False)
        try: end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        except PermissionError: pass
        try:
            while True: end.send(bytes(16384))
        except BlockingIOError: pass
time.sleep(1)
print('kept')";
    let ran = limited(|limits| limits.memory_bytes = 64 * MIB, python(script)).await;
    assert_eq!(ran.outcome.end, End::OutOfMemory, "{} {}", ran.text(), ran.errors());
    // A hundred sockets are no reason to stop a task.
    let few = "import socket, time\nkept = [socket.socketpair() for _ in range(50)]\ntime.sleep(0.3)\nprint('kept')";
    assert_eq!(limited(|limits| limits.memory_bytes = 64 * MIB, python(few)).await.text(), "kept");
}

#[tokio::test]
async fn trap_e06_dev_is_read_only_and_shared_memory_is_sized() {
    let script = "touch /dev/x 2>&1; mkdir /dev/d 2>&1; head -c 100M /dev/zero > /dev/shm/x; stat -c %s /dev/shm/x; echo fine > /dev/null; head -c 4 /dev/urandom | wc -c";
    let ran = limited(|limits| limits.disk_bytes = 4 * MIB, bash(script)).await;
    assert_eq!(ran.text().matches("Read-only file system").count(), 2, "{}", ran.text());
    assert!(ran.text().ends_with(&format!("{}\n4", 4 * MIB)), "{}", ran.text());
}

#[tokio::test]
async fn trap_e06_files_in_memory_count_as_memory_where_a_cgroup_counts() {
    let job = bash("for d in /work /tmp /dev/shm; do head -c 60M /dev/zero > $d/x || exit 9; done; echo kept");
    let ran = limited(|limits| (limits.memory_bytes, limits.disk_bytes) = (64 * MIB, 64 * MIB), job).await;
    match executor().await.posture().limiter {
        // Otherwise only the size of each mount limits them, as the posture reports.
        runner::sandbox::Limiter::Rlimits => assert_eq!(ran.text(), "kept"),
        _ => assert!(ran.outcome.out_of_memory && ran.outcome.end != End::Exited(0), "{:?}", ran.outcome),
    }
}

/// The task decides itself how it ends after one of its processes was killed; both are known.
#[tokio::test]
async fn case_bc17_a_task_that_survives_the_memory_limit_keeps_its_exit_status() {
    let beyond = "python3 -c 'x = bytearray(300 << 20)'";
    for (script, status) in [
        (format!("{beyond} || echo failed; echo done"), 0),
        (format!("{beyond} || exit 7"), 7),
        ("echo fine".to_owned(), 0),
    ] {
        let ran = limited(|limits| limits.memory_bytes = 64 * MIB, bash(&script)).await;
        // Version 2 of control groups ends all processes together, and resource limits only refuse the memory.
        let is_group = ran.outcome.end == End::OutOfMemory;
        assert!(is_group || ran.outcome.end == End::Exited(status), "{script}: {:?}", ran.outcome);
        if executor().await.posture().limiter != runner::sandbox::Limiter::Rlimits {
            assert_eq!(ran.outcome.out_of_memory, script.contains("python3"), "{script}: {:?}", ran.outcome);
        }
    }
}

#[tokio::test]
async fn trap_e07_the_disk_limit_applies_to_the_sum_of_all_files() {
    let script = "for d in /work /tmp; do for i in $(seq 40); do head -c 1M /dev/zero > $d/$i 2>/dev/null || break; done; du -sm $d | cut -f1; done";
    let ran = limited(|limits| limits.disk_bytes = 8 * MIB, bash(script)).await;
    assert_eq!(ran.text(), "8\n8", "{}", ran.errors());
}

#[tokio::test]
async fn time_beyond_the_limit_ends_the_task() {
    let (began, nap) = (Instant::now(), nap(3604, std::process::id()));
    let ran =
        limited(|limits| limits.wall = Duration::from_millis(400), bash(&format!("echo on; {nap}; echo off"))).await;
    assert_eq!((ran.outcome.end.clone(), ran.text().as_str()), (End::TimedOut, "on"));
    assert!(
        ran.outcome.wall >= Duration::from_millis(400) && began.elapsed() < Duration::from_secs(4),
        "{:?}",
        ran.outcome
    );
    assert!(processes_with(&nap).is_empty());
}

#[tokio::test]
async fn the_cpu_limit_is_enforced_and_cpu_usage_is_reported() {
    let executor = executor().await;
    let mut job = bash("while :; do :; done");
    (job.limits.cpu_millis, job.limits.wall) = (200, Duration::from_secs(2));
    let outcome = finish(executor.start(job).await.unwrap()).await.outcome;
    assert_eq!(outcome.end, End::TimedOut);
    assert!(outcome.cpu > Duration::from_millis(100), "{outcome:?}");
    if executor.posture().limiter != runner::sandbox::Limiter::Rlimits {
        assert!(outcome.cpu < Duration::from_millis(900), "{outcome:?}");
    }
}

#[tokio::test]
async fn unread_output_blocks_the_task_and_uses_no_memory() {
    let executor = executor().await;
    let mut running = executor.start(bash("yes")).await.unwrap();
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse::<u64>().ok())
            .unwrap()
    };
    running.output.recv().await.unwrap();
    let before = resident();
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..500 {
        assert!(running.output.recv().await.unwrap().bytes.len() <= 32 << 10);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(resident() < before + (32 << 10), "{before} KiB became {}", resident());
    running.handle.stop(Duration::ZERO);
    assert_eq!(running.handle.wait().await.end, End::Stopped);
}

#[tokio::test]
async fn trap_e10_the_hardened_profile_starts_within_milliseconds() {
    let executor = executor().await;
    let (mut bare, mut hardened) = (vec![], vec![]);
    for _ in 0..15 {
        let began = Instant::now();
        let plain = Command::new("bwrap").args(["--ro-bind", "/", "/", "/usr/bin/true"]).status().unwrap();
        assert!(plain.success());
        bare.push(began.elapsed());

        let job = Job { argv: vec!["/usr/bin/true".into()], ..bash("") };
        let began = Instant::now();
        assert_eq!(finish(executor.start(job).await.unwrap()).await.outcome.end, End::Exited(0));
        hardened.push(began.elapsed());
    }
    bare.sort();
    hardened.sort();
    println!("start to end: {:?} bare, {:?} hardened, {}", bare[7], hardened[7], executor.posture().limiter);
    // A wide margin, because other tests and builds run at the same time.
    assert!(hardened[7] < bare[7] + Duration::from_millis(300), "{bare:?} {hardened:?}");
}
