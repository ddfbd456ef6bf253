//! `castellan serve`: puts the parts together and runs them until it is told to stop.
use crate::{
    anonymous_log, api,
    auth::Hasher,
    checkpoints,
    config::Config,
    console, descriptors,
    failure::Failure,
    health::{self, Counters},
    http::{Door, Limits, Names, SiteCertificate, guard, self_signed_file, tls},
    keys::Given,
    live, mail, rates, retention,
    runners::Runners,
    state::App,
    telemetry,
    web::{self, Web},
};
use ::auth::setup;
use axum::Router;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Runs the server until SIGINT or SIGTERM, then lets what is under way end.
///
/// # Errors
/// Why it cannot start.
pub async fn run(config: Config, given: Given) -> Result<(), Failure> {
    telemetry::start(&config.log)?;
    tls::install_provider();
    descriptors::make_room(config.limits.connections.get());
    let mut app = App::open(config, given).await?;
    let now = time::OffsetDateTime::from_unix_timestamp(app.store.now().seconds())?;
    app.certificate = SiteCertificate::of(&app.config, now)?.map(Arc::new);
    let config = &app.config;
    let (https, limits) = (config.secure(), Limits::pages(config));
    let tls = match &app.certificate {
        Some(certificate) => Some(tls::site_tls(Arc::clone(certificate))?),
        None => None,
    };
    if config.tls.self_signed {
        tracing::warn!(
            certificate = %self_signed_file(config).display(),
            "the certificate is self-signed: browsers warn of it. Set tls.certificate and tls.key for one that they know"
        );
    }
    let door = Door::open(config.listen, tls, https, limits)
        .await
        .map_err(|error| Failure::new(format!("cannot listen on {}: {error}", config.listen)))?;
    let names = Names::new(config, door.address()?);
    let origin = names.public().to_string();

    let stop = app.stop.clone();
    let runners = Runners::open(&app, &origin).await?;
    let post = mail::Post::open(&app, &origin)?;
    let router = routes(&app, &origin)?.merge(runners.enrollment());
    let service = guard(rates::limited(router, app.clone()), names, config.limits.request_body_bytes.get());

    announce(&app, &origin).await?;
    tokio::spawn(stop_on_signal(stop.clone()));
    tokio::join!(
        door.serve(service, stop.clone()),
        runners.serve(stop.clone()),
        checkpoints::keep(app.clone(), stop.clone()),
        retention::keep(app.clone(), stop.clone()),
        console::listen(app.clone()),
        async {
            if let Some(post) = post {
                post.serve(stop.clone()).await;
            }
        },
    );
    app.background.finish().await;
    anonymous_log::tell_the_rest();
    app.store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Everything that is reached over HTTP.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn routes(app: &App, origin: &str) -> Result<Router, Failure> {
    let web = Web::new(app.clone(), Hasher::new()?, origin)?;
    let counters = Counters::default();
    let pages = web::routes(web, live::routes(app.clone()));
    let all = pages.merge(api::routes(app.clone())).merge(health::routes(app.clone(), counters.clone()));
    Ok(health::counted(all, counters))
}

/// Tells the person at the console where to go.
async fn announce(app: &App, origin: &str) -> Result<(), Failure> {
    let link = setup::offer_link(&app.store, &app.config.data_dir, origin).await?;
    println!("Castellan is at {origin}");
    if let Some(link) = link {
        println!(
            "\nNobody has an account yet. Make the first one with this link; it works once, for an hour:\n\n  {link}\n"
        );
    }
    Ok(())
}

async fn stop_on_signal(stop: CancellationToken) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::error!("signals cannot be received; end the process to stop it");
        return;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    stop.cancel();
}
