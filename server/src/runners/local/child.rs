//! One local runner: started, listened to, and started again when it dies.
//!
//! It holds our pipe as its standard input. However we end, the pipe ends too, and the runner kills its tasks and goes.

use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use domain::TenantId;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader},
    process::Command,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Entry, entry, identity, name, reachable};
use crate::{failure::Failure, http::self_signed_file, runners::Shared};

const PROGRAM: &str = "castellan-runner";
/// Waits between starts: from, to.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));
/// A child that came to work and lived so long was all right.
const GOOD: Duration = Duration::from_secs(1);
/// For a child to end by itself.
const LEAVING: Duration = Duration::from_secs(8);

/// Keeps one running for `tenant` until `stop`.
pub(super) async fn keep(shared: Arc<Shared>, tenant: TenantId, stop: CancellationToken) {
    let mut wait = BACKOFF.0;
    loop {
        let started = Instant::now();
        match once(&shared, tenant, &stop).await {
            Ok(Ended::Revoked(folder)) => {
                let folder = folder.display();
                return tracing::warn!(%tenant, "the local runner was revoked, and stays out; remove {folder} and start again to enroll it anew");
            }
            Ok(Ended::Exited(status)) if !stop.is_cancelled() => {
                tracing::warn!(%tenant, %status, "the local runner ended; starting it again")
            }
            Ok(Ended::Exited(_)) => {}
            Err(failure) => tracing::error!(%tenant, %failure, "the local runner cannot be started; trying again"),
        }
        let worked = started.elapsed() > GOOD && has_worked_since(&shared, tenant, started);
        wait = if worked { BACKOFF.0 } else { wait };
        if timeout(wait, stop.cancelled()).await.is_ok() {
            return;
        }
        wait = (wait * 2).min(BACKOFF.1);
    }
}

/// Whether the tenant's child has greeted us since then.
fn has_worked_since(shared: &Shared, tenant: TenantId, since: Instant) -> bool {
    let runner = folder(shared, tenant).ok().and_then(|folder| identity(&folder));
    runner.is_some_and(|runner| shared.registry.has_sat_since(runner, since.into_std()))
}

/// Where the tenant's child keeps what it keeps.
fn folder(shared: &Shared, tenant: TenantId) -> io::Result<PathBuf> {
    Ok(shared.app.config.data_dir.canonicalize()?.join("runners").join(tenant.to_string()))
}

enum Ended {
    Exited(ExitStatus),
    Revoked(PathBuf),
}

async fn once(shared: &Shared, tenant: TenantId, stop: &CancellationToken) -> Result<Ended, Failure> {
    let folder = folder(shared, tenant)?;
    let name = name(shared);
    let token = match entry(shared, tenant, &folder, &name).await? {
        Entry::Revoked(folder) => return Ok(Ended::Revoked(folder)),
        Entry::Known => String::new(),
        Entry::Token(token) => token,
    };
    let mut child = Command::new(program()?)
        .args(["--name", &name, "--token-stdin", "--exit-with-stdin", "--runner-endpoint", &shared.local_endpoint])
        .arg("--data-dir")
        .arg(&folder)
        .args(enrollment(shared))
        .env_clear()
        .env(
            "PATH",
            env::var_os("PATH")
                .unwrap_or_else(|| "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()),
        )
        .current_dir("/")
        .process_group(0) // Ctrl-C at the terminal is for us, and we tell the child
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
        tokio::spawn(carry(errors, tenant));
    }
    tokio::select! {
        status = child.wait() => return Ok(Ended::Exited(status?)),
        () = stop.cancelled() => {}
    }
    drop(pipe); // which tells it to go
    if let Ok(status) = timeout(LEAVING, child.wait()).await {
        return Ok(Ended::Exited(status?));
    }
    child.start_kill()?;
    Ok(Ended::Exited(child.wait().await?))
}

/// The program beside ours, or else the one in PATH.
pub fn program() -> Result<PathBuf, Failure> {
    let beside = env::current_exe().ok().and_then(|own| Some(own.parent()?.join(PROGRAM)));
    let path = env::var_os("PATH").unwrap_or_default();
    let found = beside.into_iter().chain(env::split_paths(&path).map(|folder| folder.join(PROGRAM)));
    let missing = || {
        Failure::new(format!(
            "there is no {PROGRAM} beside the server's program or in PATH; put it there, or set `local_runner.enabled = false`"
        ))
    };
    found.into_iter().find(|program| program.is_file()).ok_or_else(missing)
}

/// How the child reaches the pages' port of this very process.
fn enrollment(shared: &Shared) -> Vec<OsString> {
    let config = &shared.app.config;
    let here = reachable(config.listen);
    let mut arguments: Vec<OsString> = vec!["--server".into()];
    let own = config.tls.self_signed.then(|| self_signed_file(config));
    match config.tls.certificate.as_ref().or(own.as_ref()) {
        // Under the name that is in the certificate, which need not lead here.
        Some(certificate) => {
            let certificate = certificate.canonicalize().unwrap_or_else(|_| Path::new(certificate).to_owned());
            arguments.extend([shared.origin.clone().into(), "--server-address".into(), here.to_string().into()]);
            arguments.extend(["--server-ca".into(), certificate.into()]);
        }
        None if here.port() == 0 => arguments.push(shared.origin.clone().into()),
        None => arguments.push(format!("http://{here}").into()),
    }
    arguments
}

/// Puts what the child says into our own log.
async fn carry(errors: impl AsyncRead + Unpin, tenant: TenantId) {
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
