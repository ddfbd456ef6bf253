//! Runners: enrollment over HTTPS, gRPC with mutual TLS, and task dispatch to connected runners.

mod calls;
mod certificate_renewal;
mod connection;
mod convert;
mod dispatch;
mod enroll;
mod local;
mod messages;
mod registry;
mod sent_checkpoint;
mod status;
mod timers;
mod witness;

use crate::{
    config::Config,
    failure::Failure,
    http::{Limits, Listener, tls},
    keys::{authority_dir, check_authority},
    pki::{Authority, PortCertificate, RunnerPeer},
    state::App,
};
use axum::Router;
use registry::Registry;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use store::Store;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

pub use local::program;

/// How often the certificate of the runner port is checked for renewal.
const CERTIFICATE_CHECK_INTERVAL: Duration = Duration::from_hours(24);

/// Runner subsystem with its open port.
#[derive(Debug)]
pub struct Runners {
    shared: Arc<Shared>,
    listener: Listener,
}

/// State that enrollment, calls and dispatch share.
#[derive(Debug)]
struct Shared {
    app: App,
    authority: Authority,
    certificate: Arc<PortCertificate>,
    registry: Registry,
    /// Public origin, where runners enroll.
    origin: String,
    /// Endpoint for runners on other machines, as host:port.
    endpoint: String,
    /// Endpoint for the local runner.
    local_endpoint: String,
    /// Closes all streams.
    stop: CancellationToken,
}

impl Runners {
    /// Opens the certificate authority and the runner port. `origin` is the public origin.
    ///
    /// # Errors
    /// Fails if the authority cannot be used or the port is not available.
    pub async fn open(app: &App, origin: &str) -> Result<Self, Failure> {
        let config = &app.config;
        let secrets = authority_dir(&app.store, &config.secrets_dir()).await?;
        let now = date(app.store.now())?;
        let authority = Authority::open_or_create(&secrets, &config.data_dir, now)?;
        check_authority(&app.store, &authority.public_key()).await?;
        let certificate = Arc::new(PortCertificate::new(&authority, config, now)?);
        let tls = tls::runner_tls(authority.certificate().clone(), certificate.clone())?;
        let listener = Listener::open(config.runner_listen, Some(tls), true, Limits::runners(config))
            .await
            .map_err(|error| Failure::new(format!("cannot listen on {} for runners: {error}", config.runner_listen)))?;
        let port = listener.address()?.port();
        let shared = Shared {
            app: app.clone(),
            authority,
            certificate,
            registry: Registry::default(),
            origin: origin.to_owned(),
            endpoint: endpoint(config, port),
            local_endpoint: endpoint_here(config, port),
            stop: CancellationToken::new(),
        };
        Ok(Self { shared: Arc::new(shared), listener })
    }

    /// Returns the bound address of the runner port.
    ///
    /// # Errors
    /// Fails if the operating system does not report it.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.address()
    }

    /// Returns the enrollment route for the port of the pages, because new runners have no client certificate.
    pub fn enrollment(&self) -> Router {
        enroll::routes(Arc::clone(&self.shared))
    }

    /// Serves runners, dispatches tasks, runs timers and supervises local runners until `stop`.
    pub async fn serve(self, stop: CancellationToken) {
        let Self { shared, listener } = self;
        let renewing = renew_certificate(&shared, &stop);
        tokio::join!(
            listener.serve(calls::routes(Arc::clone(&shared)), stop.clone()),
            dispatch::run(&shared, &stop),
            timers::run(&shared.app.store, &stop),
            renewing,
            async {
                // Local runners report that they stop, for which they need their streams.
                local::run(&shared, &stop).await;
                stop.cancelled().await;
                shared.stop.cancel();
            }
        );
    }
}

impl Shared {
    fn store(&self) -> &Store {
        &self.app.store
    }

    /// Returns the runner of a certificate as an actor, if it is neither revoked nor superseded: a valid certificate alone is not
    /// enough (E13).
    async fn actor(&self, peer: RunnerPeer) -> store::Result<Option<domain::Actor>> {
        let (tenant, runner) = (domain::TenantId(peer.tenant), domain::RunnerId(peer.runner));
        let name = self.store().system().runner_name(tenant, runner, &peer.serial.to_string()).await?;
        Ok(name.map(|name| domain::Actor::runner(tenant, runner, &name, self.store().now())))
    }
}

fn date(now: domain::Timestamp) -> Result<OffsetDateTime, Failure> {
    Ok(OffsetDateTime::from_unix_timestamp(now.seconds())?)
}

/// Returns the endpoint for runners: the public host, unless the port listens only on loopback.
fn endpoint(config: &Config, port: u16) -> String {
    match &config.public_url {
        Some(public) if !config.runner_listen.ip().is_loopback() => format!("{}:{port}", public.host()),
        _ => endpoint_here(config, port),
    }
}

/// Returns the endpoint for the local runner.
fn endpoint_here(config: &Config, port: u16) -> String {
    local::reachable(SocketAddr::new(config.runner_listen.ip(), port)).to_string()
}

async fn renew_certificate(shared: &Shared, stop: &CancellationToken) {
    while tokio::time::timeout(CERTIFICATE_CHECK_INTERVAL, stop.cancelled()).await.is_err() {
        let renewed =
            date(shared.store().now()).and_then(|now| Ok(shared.certificate.renew_if_due(&shared.authority, now)?));
        match renewed {
            Ok(true) => tracing::info!("the certificate of the runner port was renewed"),
            Ok(false) => {}
            Err(failure) => tracing::error!(%failure, "the certificate of the runner port could not be renewed"),
        }
    }
}
