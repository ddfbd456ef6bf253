//! Supervisor of one local runner: starts it, forwards its log and restarts it with backoff.
//!
//! The runner's standard input is a pipe from this process. When this process ends for any reason, the pipe closes, and the
//! runner kills its tasks and exits.

use super::{Access, access, identity, name, reachable};
use crate::{failure::Failure, http::self_signed_file, runners::Shared};
use domain::TenantId;
use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader},
    process::Command,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

const PROGRAM: &str = "castellan-runner";
/// Minimum and maximum delay between starts.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));
/// Minimum runtime after which the backoff is reset.
const MIN_HEALTHY_RUNTIME: Duration = Duration::from_secs(1);
/// Time that a child has to exit before it is killed.
const EXIT_TIMEOUT: Duration = Duration::from_secs(8);

/// Keeps the local runner of `tenant` running until `stop`.
pub(super) async fn supervise(shared: Arc<Shared>, tenant: TenantId, stop: CancellationToken) {
    let mut wait = BACKOFF.0;
    loop {
        let started = Instant::now();
        match run_once(&shared, tenant, &stop).await {
            Ok(ChildExit::Revoked(folder)) => {
                let folder = folder.display();
                return tracing::warn!(%tenant, "the local runner is revoked; to enroll it again, remove {folder}/identity.json and restart the server");
            }
            Ok(ChildExit::Exited(status)) if !stop.is_cancelled() => {
                tracing::warn!(%tenant, %status, "the local runner exited; restarting it")
            }
            Ok(ChildExit::Exited(_)) => {}
            Err(failure) => tracing::error!(%tenant, %failure, "the local runner could not be started; retrying"),
        }
        let worked = started.elapsed() > MIN_HEALTHY_RUNTIME && has_connected_since(&shared, tenant, started);
        wait = if worked { BACKOFF.0 } else { wait };
        if timeout(wait, stop.cancelled()).await.is_ok() {
            return;
        }
        wait = (wait * 2).min(BACKOFF.1);
    }
}

/// Returns whether the tenant's local runner has connected since `since`.
fn has_connected_since(shared: &Shared, tenant: TenantId, since: Instant) -> bool {
    let runner = folder(shared, tenant).ok().and_then(|folder| identity(&folder));
    runner.is_some_and(|runner| shared.registry.has_registered_since(runner, since.into_std()))
}

/// Returns the data directory of the tenant's local runner.
fn folder(shared: &Shared, tenant: TenantId) -> io::Result<PathBuf> {
    Ok(shared.app.config.data_dir.canonicalize()?.join("runners").join(tenant.to_string()))
}

enum ChildExit {
    Exited(ExitStatus),
    Revoked(PathBuf),
}

async fn run_once(shared: &Shared, tenant: TenantId, stop: &CancellationToken) -> Result<ChildExit, Failure> {
    let folder = folder(shared, tenant)?;
    let name = name(shared);
    let token = match access(shared, tenant, &folder, &name).await? {
        Access::Revoked(folder) => return Ok(ChildExit::Revoked(folder)),
        Access::Enrolled => String::new(),
        Access::Token(token) => token,
    };
    let reenroll = (!token.is_empty()).then_some("--reenroll");
    let mut child = Command::new(program()?)
        .args(["--name", &name, "--token-stdin", "--exit-with-stdin", "--runner-endpoint", &shared.local_endpoint])
        .arg("--data-dir")
        .arg(&folder)
        .args(enrollment(shared))
        .args(reenroll)
        .env_clear()
        .env(
            "PATH",
            env::var_os("PATH")
                .unwrap_or_else(|| "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()),
        )
        .current_dir("/")
        .process_group(0) // Ctrl-C at the terminal reaches only this process, which then stops the child
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Failure::new(format!("{PROGRAM}: {error}")))?;
    let mut pipe = child.stdin.take();
    if let Some(pipe) = &mut pipe {
        pipe.write_all(format!("{token}\n").as_bytes()).await?;
    }
    if let Some(errors) = child.stderr.take() {
        tokio::spawn(forward_log(errors, tenant));
    }
    tokio::select! {
        status = child.wait() => return Ok(ChildExit::Exited(status?)),
        () = stop.cancelled() => {}
    }
    drop(pipe); // signals the child to exit
    if let Ok(status) = timeout(EXIT_TIMEOUT, child.wait()).await {
        return Ok(ChildExit::Exited(status?));
    }
    child.start_kill()?;
    Ok(ChildExit::Exited(child.wait().await?))
}

/// Finds the runner program next to the server's program or in PATH.
pub fn program() -> Result<PathBuf, Failure> {
    let sibling = env::current_exe().ok().and_then(|own| Some(own.parent()?.join(PROGRAM)));
    let path = env::var_os("PATH").unwrap_or_default();
    let found = sibling.into_iter().chain(env::split_paths(&path).map(|folder| folder.join(PROGRAM)));
    let missing = || {
        Failure::new(format!(
            "{PROGRAM} was found neither next to the server's program nor in PATH; install it, or set `local_runner.enabled = false`"
        ))
    };
    found.into_iter().find(|program| program.is_file()).ok_or_else(missing)
}

/// Returns the arguments with which the child enrolls at this server.
fn enrollment(shared: &Shared) -> Vec<OsString> {
    let config = &shared.app.config;
    let address = reachable(config.listen);
    let mut arguments: Vec<OsString> = vec!["--server".into()];
    let own = config.tls.self_signed.then(|| self_signed_file(config));
    match config.tls.certificate.as_ref().or(own.as_ref()) {
        // Use the name in the certificate, which may not resolve to this machine.
        Some(certificate) => {
            let certificate = certificate.canonicalize().unwrap_or_else(|_| Path::new(certificate).to_owned());
            arguments.extend([shared.origin.clone().into(), "--server-address".into(), address.to_string().into()]);
            arguments.extend(["--server-ca".into(), certificate.into()]);
        }
        None if address.port() == 0 => arguments.push(shared.origin.clone().into()),
        None => arguments.push(format!("http://{address}").into()),
    }
    arguments
}

/// Forwards the child's log lines to our log.
async fn forward_log(errors: impl AsyncRead + Unpin, tenant: TenantId) {
    let mut lines = BufReader::new(errors).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let line = line.trim();
        match line.split_once(' ') {
            Some(("ERROR", text)) => tracing::error!(%tenant, "local runner: {}", text.trim()),
            Some(("WARN", text)) => tracing::warn!(%tenant, "local runner: {}", text.trim()),
            Some(("INFO", text)) => tracing::info!(%tenant, "local runner: {}", text.trim()),
            Some(("DEBUG" | "TRACE", text)) => tracing::debug!(%tenant, "local runner: {}", text.trim()),
            _ => tracing::warn!(%tenant, "local runner: {line}"),
        }
    }
}
