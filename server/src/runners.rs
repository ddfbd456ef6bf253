//! Runners: they enroll over HTTPS and work over gRPC with mutual TLS; tasks are pushed to those that are connected.

mod calls;
mod certificate_renewal;
mod connection;
mod dispatch;
mod enroll;
mod local;
mod messages;
mod registry;
mod timers;
mod words;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use store::Store;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    config::Config,
    failure::Failure,
    http::{Door, Limits, tls},
    keys::{SecretsDir, check_authority},
    pki::{Authority, PortCertificate, RunnerPeer},
    state::App,
};
use registry::Registry;

pub use local::program;

/// How often the port's certificate is looked at.
const DAILY: Duration = Duration::from_hours(24);

/// All that has to do with runners, with their port open.
#[derive(Debug)]
pub struct Runners {
    shared: Arc<Shared>,
    door: Door,
}

/// What enrollment, calls and dispatch share.
#[derive(Debug)]
struct Shared {
    app: App,
    authority: Authority,
    certificate: Arc<PortCertificate>,
    registry: Registry,
    /// What the browser's address bar shows, which is also where runners enroll.
    origin: String,
    /// Where runners on other machines connect, as host:port.
    endpoint: String,
    /// Where the runner on this machine connects.
    local_endpoint: String,
    /// Ends every stream.
    stop: CancellationToken,
}

impl Runners {
    /// Opens the authority and the runners' port. `origin` is where the pages are.
    ///
    /// # Errors
    /// What is wrong, and what to do about it.
    pub async fn open(app: &App, origin: &str) -> Result<Self, Failure> {
        let config = &app.config;
        let secrets = SecretsDir::open_or_create(&config.secrets_dir())?;
        let now = date(app.store.now())?;
        let authority = Authority::open_or_create(&secrets, &config.data_dir, now)?;
        check_authority(&app.store, &authority.public_key()).await?;
        let certificate = Arc::new(PortCertificate::new(&authority, config, now)?);
        let tls = tls::runner_tls(authority.certificate().clone(), certificate.clone())?;
        let door = Door::open(config.runner_listen, Some(tls), true, Limits::runners(config))
            .await
            .map_err(|error| Failure::new(format!("cannot listen on {} for runners: {error}", config.runner_listen)))?;
        let port = door.address()?.port();
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
        Ok(Self { shared: Arc::new(shared), door })
    }

    /// Where runners are really listened for; with port 0 asked for, the port that was given.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.door.address()
    }

    /// The one route of enrollment, for the pages' port: a runner has no certificate yet.
    pub fn enrollment(&self) -> Router {
        enroll::routes(Arc::clone(&self.shared))
    }

    /// Serves runners, hands out tasks, does what is due, and keeps the local runners, until `stop`.
    pub async fn serve(self, stop: CancellationToken) {
        let Self { shared, door } = self;
        let renewing = renew_certificate(&shared, &stop);
        tokio::join!(
            door.serve(calls::routes(Arc::clone(&shared)), stop.clone()),
            dispatch::run(&shared, &stop),
            timers::run(&shared.app.store, &stop),
            local::run(&shared, &stop),
            renewing,
            async {
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

    /// The runner that a certificate belongs to, as an actor, if it counts now: a certificate alone is not enough (E13).
    async fn actor(&self, peer: RunnerPeer) -> store::Result<Option<domain::Actor>> {
        let (tenant, runner) = (domain::TenantId(peer.tenant), domain::RunnerId(peer.runner));
        let name = self.store().system().runner_name(tenant, runner, &peer.serial.to_string()).await?;
        Ok(name.map(|name| domain::Actor::runner(tenant, runner, &name, self.store().now())))
    }
}

/// A new id: they sort by the time they were made.
fn new_id() -> Uuid {
    Uuid::now_v7()
}

fn date(now: domain::Timestamp) -> Result<OffsetDateTime, Failure> {
    Ok(OffsetDateTime::from_unix_timestamp(now.seconds())?)
}

/// Where runners connect: the public host, as far as others can reach the port.
fn endpoint(config: &Config, port: u16) -> String {
    match &config.public_url {
        Some(public) if !config.runner_listen.ip().is_loopback() => format!("{}:{port}", public.host()),
        _ => endpoint_here(config, port),
    }
}

/// The same on this machine.
fn endpoint_here(config: &Config, port: u16) -> String {
    local::reachable(SocketAddr::new(config.runner_listen.ip(), port)).to_string()
}

async fn renew_certificate(shared: &Shared, stop: &CancellationToken) {
    while tokio::time::timeout(DAILY, stop.cancelled()).await.is_err() {
        let renewed =
            date(shared.store().now()).and_then(|now| Ok(shared.certificate.renew_if_due(&shared.authority, now)?));
        match renewed {
            Ok(true) => tracing::info!("the runners' port has a new certificate"),
            Ok(false) => {}
            Err(failure) => tracing::error!(%failure, "the runners' port keeps its old certificate"),
        }
    }
}
