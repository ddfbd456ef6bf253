//! The front door: our own accept loop (E14) and what every request and answer passes (E16).

mod activity;
mod body;
mod certificate;
mod client;
mod connection;
mod connection_limits;
mod cross_site;
mod guard;
mod headers;
mod limits;
mod names;
mod origin;
mod problem;
mod socket;
pub mod tls;

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

pub use body::{BodyOutcome, Cut};
pub use certificate::{CertificateState, SiteCertificate, self_signed_file};
pub use client::{ClientAddress, Peer, PeerCertificate, client_address};
pub use guard::{RequestId, guard};
pub use limits::Limits;
pub use names::Names;
pub use origin::{NoOrigin, Origin};

use connection::Shared;
use connection_limits::Caps;

/// A listener with its limits, ready to serve pages, the API or the runners' calls.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    limits: Limits,
    /// Whether browsers reach us over TLS, so that refusals carry HSTS too.
    https: bool,
}

impl Door {
    /// Opens a port. `https` says whether clients see TLS, ours or a declared proxy's.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub async fn open(
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
        https: bool,
        limits: Limits,
    ) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, tls, limits, https })
    }

    /// The address it is bound to; with port 0 asked for, the port that was given.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then lets answers finish for as long as the limits say, and returns.
    ///
    /// Each request has the extensions [`Peer`], [`ClientAddress`], [`BodyOutcome`] and, where the client
    /// showed one, [`PeerCertificate`].
    pub async fn serve<S>(self, service: S, stop: CancellationToken)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
    {
        let Self { listener, tls, limits, https } = self;
        let caps = Caps::new(limits.connections, limits.connections_per_address);
        let patience = limits.shutdown;
        let cut = CancellationToken::new();
        let lines = headers::lines(https).into();
        let shared = Arc::new(Shared { limits, tls, lines, stop: stop.clone(), cut: cut.clone() });
        let connections = TaskTracker::new();

        while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            };
            let exempt = client::is_trusted(peer.ip(), &shared.limits.trusted_proxies);
            let Some(place) = caps.enter(peer.ip(), exempt) else {
                tracing::debug!(%peer, "too many connections");
                continue;
            };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%peer, %error, "connection without TCP_NODELAY");
            }
            let (service, shared) = (service.clone(), Arc::clone(&shared));
            connections.spawn(async move {
                connection::run(stream, peer, service, shared).await;
                drop(place);
            });
        }

        drop(listener);
        connections.close();
        if tokio::time::timeout(patience, connections.wait()).await.is_err() {
            cut.cancel();
            connections.wait().await;
        }
    }
}

/// A connection that broke while it waited is nobody's concern; out of descriptors or memory, trying
/// again at once would only burn the processor.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "cannot accept connections");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
