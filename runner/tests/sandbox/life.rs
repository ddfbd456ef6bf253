//! Lifecycle of sandboxed tasks: start, end and cleanup.

use super::*;
use runner::sandbox::{InvalidJob, StartError};

#[tokio::test]
async fn exit_codes_signals_and_bytes_are_reported_unchanged() {
    let ran =
        run(bash("for i in $(seq 0 255); do printf \"\\\\x$(printf %02x $i)\"; done; echo problem >&2; exit 42")).await;
    assert_eq!(ran.out, (0..=255).collect::<Vec<u8>>());
    assert_eq!((ran.errors().as_str(), ran.outcome.end), ("problem", End::Exited(42)));
    assert_eq!(run(bash("exit 255")).await.outcome.end, End::Exited(255));
}

#[tokio::test]
async fn case_bc12_a_task_that_a_signal_ends_says_so() {
    for (script, output, end) in [
        ("echo a; kill -TERM $$; echo still here", "a", End::Signaled(15)),
        ("echo a; kill -KILL $$; echo still here", "a", End::Signaled(9)),
        ("echo a; kill -SEGV $$; echo still here", "a", End::Signaled(11)),
        ("echo a; kill -INT $$; echo still here", "a", End::Signaled(2)),
        ("(sleep 0.3; kill $$) & sleep 8; echo done", "", End::Signaled(15)),
        ("trap 'echo caught; exit 4' TERM; kill -TERM $$; sleep 8", "caught", End::Exited(4)),
        ("exec python3 -c 'import os, signal; os.kill(os.getpid(), signal.SIGTERM); print(1)'", "", End::Signaled(15)),
        ("exec python3 -c 'import os; os.abort()'", "", End::Signaled(6)),
    ] {
        let ran = run(bash(script)).await;
        assert_eq!((ran.text().as_str(), ran.outcome.end), (output, end), "{script}");
    }
}

#[tokio::test]
async fn case_bc12_a_stopped_shell_is_terminated() {
    let executor = executor().await;
    let mut running = executor.start(bash("echo on; kill -STOP $$; echo after stop")).await.unwrap();
    running.output.recv().await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.handle.stop(Duration::from_secs(10));
    let ran = finish(running).await;
    assert_eq!((ran.text().as_str(), ran.outcome.end), ("", End::Stopped));
}

#[tokio::test]
async fn case_bc16_an_exit_status_above_128_is_no_signal() {
    for (script, status) in [
        ("exit 130", 130),
        ("exit 143", 143),
        ("exit 192", 192),
        ("exit 193", 193),
        ("sh -c 'kill -SEGV $$'; exit $?", 139),
        ("bash -c 'kill -9 $$'; exit $?", 137),
        ("exec /nowhere/program", 127),
        ("exec /etc/passwd", 126),
    ] {
        assert_eq!(run(bash(script)).await.outcome.end, End::Exited(status), "{script}");
    }
    for (program, status) in [("/nowhere/program", 127), ("/etc/passwd", 126)] {
        let ran = run(Job { argv: vec![program.into()], ..bash("") }).await;
        assert_eq!(ran.outcome.end, End::Exited(status));
        assert!(ran.errors().starts_with(program), "{}", ran.errors());
    }
}

#[tokio::test]
async fn a_task_can_neither_signal_nor_inspect_process_1() {
    let script = "for signal in HUP INT QUIT TERM KILL STOP USR1 CHLD; do kill -$signal 1; done 2>/dev/null
        kill -TERM -1 2>/dev/null & wait
        ls /proc/1/fd 2>/dev/null; cat /proc/1/mem 2>/dev/null; cat /proc/1/environ 2>/dev/null
        ls -l /proc/self/fd | grep -c socket; echo alive";
    let script = format!("trap '' TERM; {script}");
    let ran = run(bash(&script)).await;
    assert_eq!((ran.text().as_str(), ran.outcome.end), ("0\nalive", End::Exited(0)));
}

#[tokio::test]
async fn orphans_are_reaped_while_the_task_runs() {
    let mut job =
        bash("for i in $(seq 50); do (sleep 0.01 &); done; sleep 0.5; grep -l 'State:.Z' /proc/[0-9]*/status | wc -l");
    job.limits.processes = 70;
    assert_eq!(output_of(job).await, "0");
}

#[tokio::test]
async fn a_large_script_runs_and_cannot_be_changed() {
    let script = format!(
        "# {}\n(echo x >> {SCRIPT}) 2>/dev/null && echo changed; sha256sum < {SCRIPT} > /dev/null; echo done",
        "x".repeat(3 << 20)
    );
    assert_eq!(output_of(bash(&script)).await, "done");
    let mut job = bash("#!/bin/sh\necho \"$0 $1\"");
    job.argv = vec![SCRIPT.into(), "word".into()];
    assert_eq!(output_of(job).await, format!("{SCRIPT} word"));
}

#[tokio::test]
async fn malformed_jobs_and_names_in_use_are_refused() {
    let executor = executor().await;
    for id in ["", "../x", "A", "a/b", "a b", &"a".repeat(65)] {
        let job = Job { id: id.into(), ..bash("") };
        assert!(matches!(executor.start(job).await, Err(StartError::Invalid(InvalidJob::Id))), "{id:?}");
    }
    for name in ["", "A=B", "1A", "A B", "Ä"] {
        let job = Job { environment: vec![(name.into(), String::new())], ..bash("") };
        assert!(matches!(executor.start(job).await, Err(StartError::Invalid(InvalidJob::Environment(_)))), "{name:?}");
    }
    assert!(matches!(
        executor.start(Job { argv: vec!["bash".into()], ..bash("") }).await,
        Err(StartError::Invalid(InvalidJob::Argv))
    ));
    assert!(matches!(
        executor.start(Job { argv: vec![], ..bash("") }).await,
        Err(StartError::Invalid(InvalidJob::Argv))
    ));
}

#[tokio::test]
async fn a_name_can_be_used_again_when_its_job_has_ended() {
    let executor = executor().await;
    let job = bash("echo once");
    let first = executor.start(Job { script: b"sleep 3613".to_vec(), ..job.clone() }).await.unwrap();
    assert!(matches!(executor.start(job.clone()).await, Err(StartError::AlreadyRunning(_))));
    first.handle.stop(Duration::ZERO);
    first.handle.wait().await;
    assert_eq!(finish(executor.start(job).await.unwrap()).await.text(), "once");
}

#[tokio::test]
async fn a_stopped_shell_does_not_continue_with_the_next_command() {
    let executor = executor().await;
    let mut running = executor.start(bash("echo on; sleep 3606; echo off; touch /work/off; sleep 3606")).await.unwrap();
    running.output.recv().await.unwrap();
    let began = std::time::Instant::now();
    running.handle.stop(Duration::from_secs(10));
    let ran = finish(running).await;
    assert_eq!((ran.outcome.end.clone(), ran.text().as_str()), (End::Stopped, ""));
    assert!(began.elapsed() < Duration::from_secs(5), "it waited for nothing: {:?}", began.elapsed());
}

#[tokio::test]
async fn a_stopped_task_has_a_limited_time_for_cleanup() {
    let executor = executor().await;
    let mut running = executor.start(bash("trap 'echo tidy; exit 0' TERM; echo on; sleep 3607 & wait")).await.unwrap();
    running.output.recv().await.unwrap();
    running.handle.stop(Duration::from_secs(10));
    let ran = finish(running).await;
    assert_eq!((ran.outcome.end.clone(), ran.text().as_str()), (End::Stopped, "tidy"));

    let mut running =
        executor.start(bash("trap 'echo no' TERM; echo on; while :; do sleep 3608 & wait; done")).await.unwrap();
    running.output.recv().await.unwrap();
    let began = std::time::Instant::now();
    running.handle.stop(Duration::from_millis(500));
    assert_eq!(running.handle.wait().await.end, End::Stopped);
    assert!((Duration::from_millis(400)..Duration::from_secs(5)).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn daemons_end_with_their_task() {
    let nap = nap(3609, std::process::id());
    let script = format!(
        "(setsid bash -c 'trap \"\" TERM HUP; {nap}; {nap}' >/dev/null 2>&1 &); (setsid setsid {nap} &); sleep 0.2; echo gone"
    );
    assert_eq!(output_of(bash(&script)).await, "gone");
    assert_eq!(processes_with(&nap), [] as [u32; 0]);
}

#[tokio::test]
async fn a_task_leaves_no_process_file_or_cgroup() {
    let executor = executor().await;
    let traces = |id: &str| {
        let folders = Command::new("find")
            .args(["/sys/fs/cgroup", "/tmp", "/run", "/dev/shm", "-name", &format!("*{id}*")])
            .output()
            .unwrap();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        format!(
            "{}{}{}",
            String::from_utf8_lossy(&folders.stdout),
            if mounts.contains(id) { "mount" } else { "" },
            processes_with(id).len()
        )
    };
    for script in ["echo fine", "exit 3", "kill -9 $$", "sleep 3614"] {
        let mut job = bash(script);
        job.limits.wall = Duration::from_millis(800);
        let id = job.id.clone();
        finish(executor.start(job).await.unwrap()).await;
        assert_eq!(traces(&id), "0", "after {script}");
    }
    drop(executor);
    let own = format!("castellan-{}-*", std::process::id());
    let groups = || Command::new("find").args(["/sys/fs/cgroup", "-name", &own]).output().unwrap().stdout;
    eventually("the runner's groups are removed, that of the process that stands by included", || groups().is_empty())
        .await;
}

/// A process stands by for the next task where a cgroup would delay its start.
#[tokio::test]
async fn a_process_that_stands_by_holds_no_output_of_another_task_open_and_is_replaced_if_it_dies() {
    let executor = executor().await;
    if executor.posture().limiter == runner::sandbox::Limiter::Rlimits {
        return; // none stands by, and the other tests have children of this process, too
    }
    let children = || {
        let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
        lists
            .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .collect::<std::collections::BTreeSet<_>>()
    };
    for _ in 0..3 {
        let running = executor.start(bash("echo one")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await; // for the next process
        assert_eq!(finish(running).await.text(), "one", "its output ends");
        for child in children() {
            Command::new("kill").args(["-9", &child]).status().unwrap();
        }
        assert_eq!(output_of(bash("echo two")).await, "two");
        assert_eq!(finish(executor.start(bash("echo three")).await.unwrap()).await.text(), "three");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_e08_a_sandbox_outlives_the_thread_that_requested_it() {
    let executor = std::sync::Arc::new(executor().await);
    let runtime = tokio::runtime::Handle::current();
    let starting = executor.clone();
    let running = std::thread::spawn(move || runtime.block_on(starting.start(bash("sleep 0.7; echo alive"))).unwrap())
        .join()
        .unwrap();
    let ran = finish(running).await;
    assert_eq!((ran.text().as_str(), ran.outcome.end), ("alive", End::Exited(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn trap_e08_a_sandbox_outlives_the_executors_last_handle() {
    let running = executor().await.start(bash("sleep 0.5; echo alive")).await.unwrap();
    assert_eq!(finish(running).await.text(), "alive");
}

#[tokio::test]
async fn trap_e09_killing_the_runner_kills_its_sandboxes() {
    let mut runner = play("life::runs_until_it_is_killed", &std::env::current_exe().unwrap()).spawn().unwrap();
    let nap = nap(3601, runner.id());
    eventually("the sandbox runs", || processes_with(&nap).len() >= 2).await;
    runner.kill().unwrap();
    runner.wait().unwrap();
    eventually("the sandbox has ended", || processes_with(&nap).is_empty()).await;

    // The next runner removes the empty groups.
    let name = format!("castellan-{}-*", runner.id());
    drop(executor().await);
    let left = Command::new("find").args(["/sys/fs/cgroup", "-name", &name]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
}

#[tokio::test]
async fn trap_e09_a_runner_killed_during_a_start_leaves_no_task_running() {
    let (mut delay, mut started) = (20, false);
    // Until one start reaches its task; the earlier ones were killed during the start.
    while delay <= 120 || !started {
        assert!(delay < 10_000, "no start is so slow");
        let mut runner = play("life::runs_until_it_is_killed", &std::env::current_exe().unwrap()).spawn().unwrap();
        let nap = nap(3601, runner.id());
        tokio::time::sleep(Duration::from_millis(delay)).await;
        started |= !processes_with(&nap).is_empty();
        runner.kill().unwrap();
        runner.wait().unwrap();
        eventually("the sandbox has ended", || processes_with(&nap).is_empty()).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(processes_with(&nap).is_empty(), "killed after {delay} ms");
        delay += delay / 4 + 5;
    }
    drop(executor().await); // removes the remaining groups
}

/// Run by the tests above in another process; does nothing on its own.
#[tokio::test]
async fn runs_until_it_is_killed() {
    if plays("life::runs_until_it_is_killed") {
        let nap = nap(3601, std::process::id());
        run(bash(&format!("trap '' TERM HUP; (setsid {nap} &); {nap}"))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ending_the_runtime_ends_its_sandboxes() {
    let nap = nap(3602, std::process::id());
    let script = nap.clone();
    let started = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let executor = runtime.block_on(executor());
        let running = runtime.block_on(executor.start(bash(&script))).unwrap();
        runtime.shutdown_background();
        drop(running);
    });
    started.join().unwrap();
    eventually("the sandbox has ended", || processes_with(&nap).is_empty()).await;
}
