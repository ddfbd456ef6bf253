//! The program `castellan-runner`: enrolls if necessary and works until it is stopped; in each sandbox, process 1.

#![deny(clippy::print_stdout, clippy::print_stderr)] // they panic if the output cannot be written

use clap::Parser;
use runner::{
    Client, Config,
    config::Command,
    folder::Folder,
    harden,
    identity::{EnrollmentServer, Identity, RunnerKey, Token, enroll},
    passkeys::{self, PinnedPasskeys},
    sandbox::{self, Bubblewrap, Executor},
    stdin,
};
use std::{
    error::Error,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == sandbox::init::ARGUMENT) {
        return sandbox::init::run();
    }
    let config = match Config::try_parse() {
        Ok(config) => config,
        Err(help) => {
            let status = ExitCode::from(u8::try_from(help.exit_code()).unwrap_or(2));
            return help.print().map_or_else(|error| fail(&error), |()| status);
        }
    };
    match harden::harden().map_err(Into::into).and_then(|()| run(&config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&*error),
    }
}

/// Reports an error. A closed pipe, as in `castellan-runner --check | head -1`, is reported by the exit status alone, as a shell does
/// for a program that SIGPIPE ended.
fn fail(error: &(dyn Error + 'static)) -> ExitCode {
    match error.downcast_ref::<io::Error>() {
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::from(128 + 13),
        _ => {}
    }
    let _ = writeln!(io::stderr(), "castellan-runner: {error}"); // standard error may be closed
    ExitCode::FAILURE
}

fn run(config: &Config) -> Result<(), Box<dyn Error>> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&config.log)?)
        .with_writer(std::io::stderr)
        // Otherwise writing to a closed log, as when the server was killed, would panic.
        .log_internal_errors(false)
        .with_ansi(false);
    if config.exit_with_stdin {
        lines.without_time().with_target(false).init(); // the server adds both in its own log
    } else {
        lines.init();
    }
    // Fails only if a provider is already installed; only this one is compiled in.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    if let Some(Command::Passkeys(command)) = &config.command {
        return Ok(passkeys::run(command, &config.data_dir, &mut std::io::stdout())?);
    }
    // The token must not stay in a pipe that another process could read.
    let token = token(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = if config.check { runtime.block_on(check(config)) } else { runtime.block_on(work(config, token)) };
    // Otherwise the runtime would wait for the thread that reads standard input.
    runtime.shutdown_background();
    done
}

/// Tests the sandbox and prints its posture.
async fn check(config: &Config) -> Result<(), Box<dyn Error>> {
    let executor = sandbox(config, None).await;
    let (posture, mut out) = (executor.posture(), io::stdout());
    let bubblewrap = posture.bubblewrap.as_deref().unwrap_or("missing");
    writeln!(out, "      bubblewrap {bubblewrap}; tasks run as {}", posture.account)?;
    writeln!(out, "      limits: {}. {}", posture.limiter, posture.limiter_note)?;
    match &posture.fit {
        Ok(()) => {
            writeln!(out, "{:<6}user IDs: {}", if posture.separate_ids { "OK" } else { "WARN" }, posture.ids_note)?;
            writeln!(out, "OK    sandbox: tasks can run here")?;
            Ok(())
        }
        Err(unfit) => {
            writeln!(out, "FAIL  sandbox: {unfit}")?;
            Err("no task can run here".into())
        }
    }
}

async fn sandbox(config: &Config, folder: Option<PathBuf>) -> Bubblewrap {
    let settings = sandbox::Config {
        bubblewrap: config.bubblewrap.clone(),
        runner: "/proc/self/exe".into(),
        user: config.sandbox_user.clone(),
        tasks: config.slots(),
        folder,
    };
    Bubblewrap::new(&settings).await
}

async fn work(config: &Config, token: Option<Token>) -> Result<(), Box<dyn Error>> {
    let stop = stop(config.exit_with_stdin)?;
    let folder = Folder::open(&config.data_dir)?;
    let known = if config.reenroll { None } else { Identity::load(&folder)? };
    let (identity, key) = match known {
        Some(identity) => (identity, RunnerKey::open_or_create(&folder)?),
        None => {
            let key = RunnerKey::for_enrollment(&folder)?;
            let server = config.server.as_ref().ok_or("not enrolled yet: --server is missing")?;
            let token =
                token.as_ref().ok_or("not enrolled yet: --enrollment-token-file or --token-stdin is missing")?;
            let enrollment_server =
                EnrollmentServer { server, address: config.server_address, authorities: config.server_ca.as_deref() };
            let identity = enroll(enrollment_server, token, &config.name, &key).await?;
            RunnerKey::install(&folder)?;
            identity.save(&folder)?;
            tracing::info!(runner = %identity.runner, tenant = %identity.tenant, "enrolled");
            (identity, key)
        }
    };
    let executor = sandbox(config, Some(folder.path(""))).await;
    if let Err(unfit) = &executor.posture().fit {
        tracing::error!(%unfit, "no task can run here");
    }
    let endpoint = match &config.runner_endpoint {
        Some(endpoint) => endpoint.clone(),
        None => identity.endpoint.parse()?,
    };
    if config.require_passkey_approval && PinnedPasskeys::of(&folder).read()?.is_empty() {
        tracing::warn!("nothing can run here until a passkey is pinned with `castellan-runner passkeys add`");
    }
    let client = Client::new(folder, identity, key, endpoint, executor, config.slots())?;
    client.require_passkey_approval(config.require_passkey_approval).run(stop).await;
    Ok(())
}

fn token(config: &Config) -> Result<Option<Token>, Box<dyn Error>> {
    let text = match &config.enrollment_token_file {
        _ if config.token_stdin => stdin::first_line()?,
        Some(path) => match std::fs::read_to_string(path) {
            Ok(text) => text.trim().to_owned(),
            // The file is usually deleted after enrollment.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{}: {error}", path.display()).into()),
        },
        None => return Ok(None),
    };
    Ok(if text.is_empty() { None } else { Some(text.parse()?) })
}

/// Completes on SIGTERM, on SIGINT, on SIGHUP if a terminal started the runner, which was closed then, and, if enabled, at the end of
/// standard input.
fn stop(with_stdin: bool) -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (mut hangup, on_terminal) = (signal(SignalKind::hangup())?, std::io::stdin().is_terminal());
    let ended = with_stdin.then(stdin::ended).transpose()?;
    let input = async move {
        match ended {
            Some(ended) => drop(ended.await), // input or its thread has ended
            None => std::future::pending().await,
        }
    };
    let hung_up = async move {
        loop {
            let _ = hangup.recv().await;
            if on_terminal {
                return;
            }
            tracing::info!("SIGHUP has no effect");
        }
    };
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = hung_up => {}
            () = input => {}
        }
        tracing::info!("stopping");
    })
}
