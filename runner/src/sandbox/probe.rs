//! Sandbox detection: what the machine supports, and what is missing.

use super::{
    Config, End, Job, Limiter, Limits, Network, Posture, StartError, Unfit, account,
    cgroup::Tree,
    filter::Filters,
    names::Names,
    parts::Parts,
    plan::{Plan, Plans},
    profile::Profile,
    starter::Starter,
    subordinate::Allocations,
    sys,
};
use parking_lot::Mutex;
use rustix::fs::{Mode, OFlags, open};
use std::{
    fs,
    os::{fd::OwnedFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

/// The minimum version of bubblewrap with every option of the profile.
const MIN_VERSION: (u32, u32) = (0, 8);

const INSTALL: &str = "Install it with: apt-get install bubblewrap (or dnf, pacman, apk; version 0.8 or later).";

/// Returns the posture and, if it suffices, the parts for starting sandboxes.
pub(super) async fn examine(config: &Config) -> (Posture, Option<Arc<Parts>>) {
    let scope = sys::landlock_scope().map(Arc::new);
    let (tree, limiter, limiter_note) = limits();
    let mut posture = Posture {
        bubblewrap: None,
        seccomp: false,
        user_namespaces: false,
        sockets_scoped: scope.is_some(),
        limiter,
        limiter_note,
        account: String::new(),
        separate_ids: false,
        ids_note: String::new(),
        fit: Ok(()),
    };
    match gather(config, scope, tree.map(Arc::new), &mut posture).await {
        Ok(parts) => (posture, Some(parts)),
        Err(unfit) => {
            posture.fit = Err(unfit);
            (posture, None)
        }
    }
}

/// Collects each part and notes it in `posture`, until one is missing.
async fn gather(
    config: &Config,
    scope: Option<Arc<OwnedFd>>,
    tree: Option<Arc<Tree>>,
    posture: &mut Posture,
) -> Result<Arc<Parts>, Unfit> {
    let allocations = Allocations::read();
    let owner = account::choose(config.user.as_deref(), &allocations.users, &allocations.make_account())?;
    let mut plans = Plans::new(&owner, &allocations, config)?;
    let mut last = Unfit::new("there is no user for tasks", allocations.make_account());
    for plan in plans.plans.clone() {
        posture.account.clone_from(&plan.account);
        let profile = profile(scope.is_some(), tree.is_some(), plan.terminals.is_some())?;
        posture.seccomp = true;
        let program = find(config.bubblewrap.as_deref())?;
        let init = open_init(&config.runner)?;
        posture.bubblewrap = Some(version(&program)?);
        let parts = Arc::new(parts(program, init, profile, plan.clone(), scope.clone(), tree.clone())?);
        match try_out(&parts).await {
            Ok(()) => {
                posture.user_namespaces = true;
                posture.separate_ids = plan.ids.are_separate();
                posture.ids_note = plans.note(&plan, &owner, &allocations);
                return Ok(parts);
            }
            Err(unfit) => {
                if plan.ids.are_separate() {
                    plans.why_shared = Some(unfit.cause.clone());
                }
                last = unfit;
            }
        }
    }
    Err(last)
}

fn parts(
    program: PathBuf,
    init: OwnedFd,
    profile: Profile,
    plan: Plan,
    scope: Option<Arc<OwnedFd>>,
    tree: Option<Arc<Tree>>,
) -> Result<Parts, Unfit> {
    let starter = Starter::new()
        .map_err(|error| Unfit::new(format!("no thread can be started ({error})"), "Raise the runner's limits."))?;
    let Plan { ids, user_namespace, quotas, terminals, .. } = plan;
    Ok(Parts {
        next: Mutex::default(),
        program,
        init,
        profile,
        ids,
        user_namespace,
        terminals,
        quotas,
        tree,
        scope,
        starter,
        names: Names::default(),
    })
}

fn limits() -> (Option<Tree>, Limiter, String) {
    match Tree::find() {
        Ok(tree) => {
            let limiter = tree.limiter();
            let note =
                "The kernel counts memory, processor time and processes of each task, its files in memory included.";
            (Some(tree), limiter, note.into())
        }
        Err(why) => {
            let note = format!(
                "No control group can be used ({why}). Memory is capped per process and watched in sum, with the socket buffers of \
                 isolated tasks; processes are counted, files are on mounts of fixed size; TCP buffers, sockets of \
                 unrestricted tasks and other kernel memory are not limited, nor is processor time divided. For exact limits run the runner as a systemd service with Delegate=yes."
            );
            (None, Limiter::Rlimits, note)
        }
    }
}

fn profile(scoped: bool, metered: bool, terminals: bool) -> Result<Profile, Unfit> {
    let actions = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    if !actions.split_whitespace().any(|action| action == "errno") {
        return Err(Unfit::new("this kernel cannot filter system calls", "Use a kernel with CONFIG_SECCOMP_FILTER."));
    }
    let build = |unix| {
        Filters::build(unix, metered).map_err(|error| {
            Unfit::new(
                format!("there is no system-call filter for this processor ({error})"),
                "Run the runner on x86_64 or aarch64.",
            )
        })
    };
    // With the machine's network come its abstract Unix sockets, unless Landlock keeps them out of reach.
    Ok(Profile::new(build(true)?, build(scoped)?, terminals))
}

fn find(given: Option<&Path>) -> Result<PathBuf, Unfit> {
    let runs =
        |path: &Path| fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    let absent = || Unfit::new("bubblewrap is not installed", INSTALL);
    match given {
        Some(path) => runs(path).then(|| path.to_owned()).ok_or_else(absent),
        None => {
            let folders = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&folders)
                .map(|folder| folder.join("bwrap"))
                .find(|path| path.is_absolute() && runs(path))
                .ok_or_else(absent)
        }
    }
}

/// Opens the runner's program, to be executed and not to be read.
fn open_init(path: &Path) -> Result<OwnedFd, Unfit> {
    open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(|error| {
        Unfit::new(format!("{} cannot be opened ({error})", path.display()), "Install castellan-runner again.")
    })
}

fn version(program: &Path) -> Result<String, Unfit> {
    let output = Command::new(program).arg("--version").env_clear().output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let version = text.trim().strip_prefix("bubblewrap ").unwrap_or_default().to_owned();
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    match found {
        (0, 0) => Err(Unfit::new(format!("{} is not bubblewrap", program.display()), INSTALL)),
        _ if found < MIN_VERSION => Err(Unfit::new(format!("bubblewrap {version} is too old"), INSTALL)),
        _ => Ok(version),
    }
}

/// Runs a minimal task in the profile of every task, which fails if any task would.
async fn try_out(parts: &Arc<Parts>) -> Result<(), Unfit> {
    let job = Job {
        id: "self-test".into(),
        argv: vec!["/usr/bin/true".into()],
        script: vec![],
        network: Network::Isolated,
        limits: Limits {
            wall: Duration::from_secs(20),
            memory_bytes: 64 << 20,
            cpu_millis: 1000,
            processes: 4,
            disk_bytes: 1 << 20,
        },
        environment: vec![],
    };
    let failure = match parts.start(job).await {
        Ok(running) => match running.handle.wait().await.end {
            End::Exited(0) => return Ok(()),
            End::Failed { cause } => cause,
            other => format!("the test task ended with {other:?}"),
        },
        Err(StartError::Io(error))
            if rustix::process::geteuid().is_root() && error.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            return Err(Unfit::new(
                format!("the runner is root and cannot switch to the user of tasks ({error})"),
                "Give it CAP_SETUID and CAP_SETGID, or start it as an unprivileged user.",
            ));
        }
        Err(error) => error.to_string(),
    };
    Err(explain(&failure))
}

/// Explains why unprivileged namespaces fail, by the switches of distributions and containers.
fn explain(failure: &str) -> Unfit {
    let switch = |path: &str, value: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
    if switch("/proc/sys/user/max_user_namespaces", "0") {
        return Unfit::new(
            "user namespaces are switched off (user.max_user_namespaces is 0)",
            "Allow them with: sysctl -w user.max_user_namespaces=15000",
        );
    }
    if switch("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        return Unfit::new(
            "user namespaces are switched off for ordinary users (kernel.unprivileged_userns_clone is 0)",
            "Allow them with: sysctl -w kernel.unprivileged_userns_clone=1",
        );
    }
    if switch("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        return Unfit::new(
            format!("AppArmor keeps bubblewrap from making user namespaces ({failure})"),
            "Give bubblewrap a profile that allows `userns` in /etc/apparmor.d, or set kernel.apparmor_restrict_unprivileged_userns to 0.",
        );
    }
    if Path::new("/.dockerenv").exists() || Path::new("/run/.containerenv").exists() {
        return Unfit::new(
            format!("the container the runner is in allows no nested sandbox ({failure})"),
            "Start the container with user namespaces allowed and /proc unmasked, or run the runner outside of it.",
        );
    }
    Unfit::new(
        format!("a sandbox cannot be started here ({failure})"),
        "Check that ordinary users may create user namespaces: unshare --user --map-root-user true",
    )
}
