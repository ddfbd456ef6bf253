//! Visibility of the machine to a task: files, environment, descriptors, processes.

use super::*;

#[tokio::test]
async fn trap_e01_the_runners_environment_is_not_visible_in_the_sandbox() {
    let this = std::env::current_exe().unwrap();
    let output = play("view::prints_every_environment_it_can_see", &this)
        .env("CASTELLAN_ENCRYPTION_KEY", "c0ffee-secret")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("HOME=/work"), "{text}");
    assert!(!text.contains("c0ffee-secret") && !text.contains("CASTELLAN"), "{text}");
}

/// Run by the test above with a secret in its environment; on its own it uses an ordinary one.
#[tokio::test]
async fn prints_every_environment_it_can_see() {
    let text = output_of(bash("env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'")).await;
    assert!(text.contains("PATH=/usr/local/bin"));
    println!("{text}");
}

#[tokio::test]
async fn the_environment_of_a_job_is_complete_and_not_on_a_command_line() {
    let mut job = bash("printf '%s' \"$GREETING\"; sleep 3611");
    job.environment = vec![("GREETING".into(), "two\nlines = 'quoted' $HOME".into())];
    let executor = executor().await;
    let mut running = executor.start(job).await.unwrap();
    let mut text = vec![];
    while text.len() < 26 {
        text.extend_from_slice(&running.output.recv().await.unwrap().bytes);
    }
    assert_eq!(text, b"two\nlines = 'quoted' $HOME");
    assert!(processes_with("quoted").is_empty(), "a variable is on a command line that every user can read");
    running.handle.stop(Duration::ZERO);
    running.handle.wait().await;
}

/// D-04: the approved environment is the task's environment; the shell sets three variables of its own inside.
#[tokio::test]
async fn nothing_is_added_to_a_jobs_environment() {
    let mut job = bash("/usr/bin/env");
    job.environment = vec![("ONLY".into(), "this".into())];
    let text = output_of(job).await;
    let mut names: Vec<_> = text.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    assert_eq!(names, ["ONLY", "PWD", "SHLVL", "_"]);
}

#[tokio::test]
async fn trap_e02_no_descriptor_of_the_runner_is_open_in_the_sandbox() {
    use rustix::fs::{Mode, OFlags, open};
    // Without O_CLOEXEC, as a library might open them.
    let leaks: Vec<_> = (0..20).map(|_| open("/etc/hostname", OFlags::RDONLY, Mode::empty()).unwrap()).collect();
    let mut job = bash("");
    job.argv = vec!["/bin/ls".into(), "/proc/self/fd".into()];
    // The fourth is the folder that ls reads.
    assert_eq!(output_of(job).await, "0\n1\n2\n3");
    drop(leaks);
}

#[tokio::test]
async fn trap_e03_the_kernel_knows_the_task_as_an_unprivileged_user() {
    let executor = executor().await;
    let nap = nap(3603, std::process::id());
    let running = executor.start(bash(&nap)).await.unwrap();
    eventually("the task runs", || !processes_with(&nap).is_empty()).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", processes_with(&nap)[0])).unwrap();
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    let (users, groups) = (field("Uid:"), field("Groups:"));
    let ids: std::collections::HashSet<_> = users.split_whitespace().collect();
    assert!(ids.len() == 1 && !ids.contains("0") && !ids.contains("65534"), "{users}");
    let account = &executor.posture().account;
    assert!(
        executor.posture().separate_ids || account.ends_with(&format!("({})", ids.iter().next().unwrap())),
        "{account}"
    );
    if root() {
        assert_eq!(groups, "", "the runner's groups were kept");
    }
    running.handle.stop(Duration::ZERO);
    running.handle.wait().await;
}

#[tokio::test]
async fn trap_e03_the_machines_secrets_cannot_be_read() {
    let script = "for f in /etc/shadow /etc/gshadow /etc/ssh /root /home /var/lib /var/log /boot /sys /run/systemd /proc/1/root/etc/shadow /srv /opt /mnt; do
        if ls $f >/dev/null 2>&1 && [ -n \"$(ls -A $f)\" ]; then echo $f; fi; done
        ln -s /etc/shadow link; cat link 2>/dev/null; ln -sf ../../../../etc/shadow link; cat link 2>/dev/null; cat /proc/1/cwd/../etc/shadow 2>/dev/null
        cat /proc/kcore /proc/keys /proc/kmsg 2>/dev/null | head -c 10; true";
    assert_eq!(output_of(bash(script)).await, "");
}

#[tokio::test]
async fn the_task_has_a_generic_user_that_owns_its_work_folder() {
    let text = output_of(bash(
        "id -un; id -u; hostname; pwd; echo $HOME; stat -c %U:%a /work; ls -A /work /tmp; cat /etc/passwd | wc -l",
    ))
    .await;
    assert_eq!(text, "task\n1000\nsandbox\n/work\n/work\ntask:700\n/tmp:\n\n/work:\n2");
}

#[tokio::test]
async fn only_mounts_with_a_size_limit_are_writable() {
    let script = "find / -path /proc -prune -o -type d -writable -print 2>/dev/null | sort | while read d; do (: > $d/probe) 2>/dev/null && echo $d; done; true";
    assert_eq!(output_of(bash(script)).await, "/dev/shm\n/tmp\n/work");
}

#[tokio::test]
async fn kernel_settings_in_proc_are_read_only() {
    let script = "for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/sys/user/max_user_namespaces \
        /proc/1/uid_map /proc/1/setgroups; do (echo 1 > $f) 2>/dev/null && echo wrote $f; done; true";
    assert_eq!(output_of(bash(script)).await, "");
}

#[tokio::test]
async fn two_tasks_are_isolated_from_each_other() {
    let executor = executor().await;
    let nap = nap(3605, std::process::id());
    let mut first =
        executor.start(bash(&format!("{nap} & echo secret | tee /work/f /tmp/f /dev/shm/f; wait"))).await.unwrap();
    first.output.recv().await.unwrap();
    let second = finish(
        executor
            .start(bash("ls -A /work /tmp /dev/shm; ls -d /proc/[0-9]* | wc -l; ipcs -m | grep -c 0x; kill -9 -1"))
            .await
            .unwrap(),
    )
    .await;
    // bash, and its pipeline of ls and wc; kill reaches only the descendants of process 1.
    assert!(second.text().starts_with("/dev/shm:\n\n/tmp:\n\n/work:\n"), "{}", second.text());
    let processes: u32 = second.text().lines().nth(5).unwrap().parse().unwrap();
    assert!(processes <= 4, "{}", second.text());
    assert!(!processes_with(&nap).is_empty(), "the other task was killed");
    first.handle.stop(Duration::ZERO);
    first.handle.wait().await;
}

#[tokio::test]
async fn common_tools_work() {
    let git = "git init -q repo && cd repo && git -c user.name=Ada -c user.email=ada@example.org commit -q --allow-empty -m one && git log --format=%s";
    assert_eq!(output_of(bash(git)).await, "one");
    let threads = "import threading, hashlib, subprocess, ssl, multiprocessing\nt = [threading.Thread(target=print, args=(1,)) for _ in range(8)]\n[x.start() for x in t]; [x.join() for x in t]\nprint(subprocess.check_output(['echo', 'sub']).decode())";
    assert!(output_of(python(threads)).await.ends_with("sub"));
    if Path::new("/usr/bin/node").exists() {
        let mut job = bash("console.log([1, 2].map(x => x * 2).join()); require('fs').writeFileSync('/work/x', 'y')");
        job.argv = vec!["/usr/bin/node".into(), SCRIPT.into()];
        assert_eq!(output_of(job).await, "2,4");
    }
    assert_eq!(
        output_of(bash("echo b a | tr ' ' '\\n' | sort | awk '{print NR $1}' | tee /dev/stderr > /dev/stdout")).await,
        "1a\n2b"
    );
}

#[tokio::test]
async fn case_bc13_services_and_protocols_have_names() {
    let script = "import socket; print(socket.getservbyname('https'), socket.getservbyname('ssh'), socket.getprotobyname('tcp'))";
    for network in [Network::Isolated, Network::None] {
        assert_eq!(output_of(Job { network, ..python(script) }).await, "443 22 6");
    }
}

#[tokio::test]
async fn case_x03_openssl_and_python_find_their_settings() {
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -keyout k -out c 2>/dev/null && openssl x509 -in c -noout -subject";
    assert_eq!(output_of(bash(script)).await, "subject=CN = x");
    if Path::new("/etc/mime.types").exists() {
        let script = "import mimetypes; print(mimetypes.guess_type('a.docx')[0])";
        let text = output_of(python(script)).await;
        assert_eq!(text, "application/vnd.openxmlformats-officedocument.wordprocessingml.document");
    }
}

/// What programs of the machine read from `/etc`.
#[tokio::test]
async fn case_bc14_programs_find_their_settings() {
    let script = "for file in /etc/localtime /etc/os-release /etc/fonts /etc/java-* /etc/mime.types /etc/ssl/certs; do
            test -e $file && echo $file
        done";
    let text = output_of(bash(script)).await;
    let mut found: Vec<_> = text.lines().map(str::to_owned).collect();
    let on_machine = Command::new("/bin/sh")
        .args([
            "-c",
            "ls -d /etc/localtime /etc/os-release /etc/fonts /etc/java-* /etc/mime.types /etc/ssl/certs 2>/dev/null",
        ])
        .output()
        .unwrap();
    let mut expected: Vec<_> = String::from_utf8_lossy(&on_machine.stdout).lines().map(str::to_owned).collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn case_bc15_names_of_the_machines_hosts_file_resolve_with_its_network() {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap();
    let shown = run(Job { network: Network::None, ..bash("cat /etc/hosts") }).await.text();
    assert!(shown.contains("127.0.0.1 localhost sandbox") && shown.contains(hosts.trim()), "{shown}");
    let isolated = run(bash("cat /etc/hosts")).await.text();
    assert_eq!(isolated.lines().count(), 2, "{isolated}");
}
