//! `castellan serve` command: starts all components and runs them until shutdown.
use crate::{
    anonymous_log, api,
    authentication::Hasher,
    backup::schedule,
    checkpoints::{self, Depth, Review, Witness},
    config::Config,
    console,
    failure::Failure,
    file_descriptors, grant_rotation, health,
    http::{Hosts, Limits, Listener, SiteCertificate, guard, self_signed_file, tls},
    keys::EnvironmentSecrets,
    live, mail, metrics,
    output::print,
    rates, retention,
    runners::Runners,
    state::{App, IfMissing},
    telemetry,
    web::{self, Web},
    webhooks::Webhooks,
};
use auth::setup;
use axum::Router;
use std::{io::IsTerminal, net::SocketAddr, sync::Arc};
use store::DatabaseLock;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Runs the server until SIGINT or SIGTERM, then shuts down gracefully.
///
/// # Errors
/// Fails if the server cannot start.
pub async fn run(config: Config, given: EnvironmentSecrets) -> Result<(), Failure> {
    telemetry::start(&config.log)?;
    tls::install_provider();
    file_descriptors::raise_limit(config.limits.connections.get());
    let url = config.database().expose().to_owned();
    let keys = App::open_keys(&config, &url, given, IfMissing::Create).await?;
    // Before the schema is updated, which another server may be using.
    let _lock = DatabaseLock::take(&url)?;
    let mut app = App::open_with(config, url, keys).await?;
    let review = Review::of(&app, Witness::default(), Depth::Heads).await?.require_clean()?;
    for tenant in review.unwitnessed() {
        tracing::warn!(%tenant, "no checkpoint covers this audit log; events that were removed from its end would not be noticed");
    }
    grant_rotation::finish(&app).await?;
    let now = time::OffsetDateTime::from_unix_timestamp(app.store.now().seconds())?;
    app.certificate = SiteCertificate::of(&app.config, now)?.map(Arc::new);
    let config = &app.config;
    let (https, limits) = (config.secure(), Limits::pages(config));
    let tls = match &app.certificate {
        Some(certificate) => Some(tls::site_tls(certificate.clone())?),
        None => None,
    };
    if config.tls.self_signed {
        tracing::warn!(
            certificate = %self_signed_file(config).display(),
            "the certificate is self-signed, so browsers show a warning; set tls.certificate and tls.key to use a trusted one"
        );
    }
    let listener = Listener::open(config.listen, tls, https, limits)
        .await
        .map_err(|error| Failure::new(format!("cannot listen on {}: {error}", config.listen)))?;
    let hosts = Hosts::new(config, listener.address()?);
    let origin = hosts.public().to_string();

    let stop = app.stop.clone();
    let runners = Runners::open(&app, &origin).await?;
    let mailer = mail::Mailer::open(&app, &origin)?;
    let webhooks = Webhooks::open(&app, &origin)?;
    let router = routes(&app, &origin)?.merge(runners.enrollment());
    let service = guard(rates::limited(router, app.clone()), hosts, config.limits.request_body_bytes.get());
    let service = metrics::counted(service);

    tokio::spawn(stop_on_signal(stop.clone()));
    print_address(&app, &origin, listener.address()?).await?;
    tokio::join!(
        listener.serve(service, stop.clone()),
        runners.serve(stop.clone()),
        webhooks.serve(stop.clone()),
        checkpoints::run(app.clone(), review, stop.clone()),
        retention::run(app.clone(), stop.clone()),
        // A folder on a disk that does not answer must not stop anything else.
        async { drop(tokio::spawn(schedule::run(app.clone(), stop.clone())).await) },
        console::listen(app.clone()),
        async {
            if let Some(mailer) = mailer {
                mailer.serve(stop.clone()).await;
            }
        },
    );
    app.background.finish().await;
    anonymous_log::log_all_suppressed();
    app.store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Builds all HTTP routes.
///
/// # Errors
/// Fails if the system's randomness or root certificates are not available.
pub fn routes(app: &App, origin: &str) -> Result<Router, Failure> {
    let web = Web::new(app.clone(), Hasher::new()?, origin)?;
    let pages = web::routes(web, live::routes(app.clone()));
    Ok(pages.merge(api::routes(app.clone())?).merge(health::routes(app.clone())).merge(metrics::routes(app.clone())))
}

/// Prints the address and, before setup, the setup link.
async fn print_address(app: &App, origin: &str, bound: SocketAddr) -> Result<(), Failure> {
    let link = setup::offer_link(&app.store, &app.config.data_dir, origin).await?;
    let mut text = format!("Castellan is at {origin}\n");
    if bound.ip().is_unspecified() && app.config.public_url.is_none() {
        text.push_str(
            "This address works on this machine only. Set public_url to the address that other machines use; links need it.\n",
        );
    }
    if let Some(link) = link {
        text.push_str(&format!(
            "\nThere are no accounts yet. Create the first one with this link, which works once and expires in an hour:\n\n  {link}\n\n"
        ));
    }
    // A server without a reader of its output works, and the link is in a file of the data folder, too.
    if let Err(failure) = print(text) {
        tracing::warn!(%failure, "the address cannot be printed");
    }
    Ok(())
}

/// Stops the server on SIGINT and SIGTERM; the second one ends the process without waiting for responses.
///
/// SIGHUP stops it if a terminal started it, which was closed then. Otherwise it has no effect.
///
/// The handlers are installed by the call, before the address is printed: otherwise a signal right after it would kill the server.
fn stop_on_signal(stop: CancellationToken) -> impl Future<Output = ()> {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let handlers = kinds.map(signal);
    async move {
        let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = handlers else {
            tracing::error!("signal handlers cannot be installed; kill the process to stop it");
            return;
        };
        let on_terminal = std::io::stdin().is_terminal();
        loop {
            let name = tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
                _ = hangup.recv() => "SIGHUP",
            };
            if name == "SIGHUP" && !on_terminal {
                tracing::info!("SIGHUP has no effect; restart the server to apply a changed configuration");
            } else if stop.is_cancelled() {
                tracing::warn!("{name} again: stopping without waiting for responses");
                std::process::exit(1);
            } else {
                tracing::info!("{name}: stopping");
                stop.cancel();
            }
        }
    }
}
