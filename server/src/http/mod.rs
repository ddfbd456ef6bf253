//! HTTP server: accept loop with connection limits (E14), and the checks and headers of every request (E16).

mod activity;
mod body;
mod certificate;
mod client;
mod connection;
mod connection_limits;
mod cross_site;
mod guard;
mod headers;
mod hosts;
mod limits;
mod origin;
mod socket;
pub mod tls;

use axum::body::Body;
use connection::Shared;
use connection_limits::ConnectionLimits;
use http::{Request, Response};
use rustls::ServerConfig;
use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

pub use activity::ClientConnection;
pub use body::{BodyError, BodyOutcome};
pub use certificate::{CertificateState, SiteCertificate, self_signed_file};
pub use client::{ClientAddress, Peer, PeerCertificate, client_address};
pub use guard::{RequestId, guard};
pub use hosts::Hosts;
pub use limits::{Limits, MinRate};
pub use origin::{InvalidOrigin, Origin};

/// HTTP listener with its limits, for pages and API or for runners.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    limits: Limits,
    /// Whether clients connect over TLS, so that early errors carry HSTS too.
    https: bool,
}

impl Listener {
    /// Binds an address. `https` is whether clients connect over TLS, here or at a proxy.
    ///
    /// # Errors
    /// Fails if the address is in use or not local.
    pub async fn open(
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
        https: bool,
        limits: Limits,
    ) -> io::Result<Self> {
        Ok(Self { socket: TcpListener::bind(address).await?, tls, limits, https })
    }

    /// Returns the bound address, with the assigned port if port 0 was requested.
    ///
    /// # Errors
    /// Fails if the operating system does not report it.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `stop`, then waits up to the shutdown limit for responses to finish.
    ///
    /// Each request has the extensions [`Peer`], [`ClientAddress`], [`ClientConnection`], [`BodyOutcome`] and, if the client sent a certificate,
    /// [`PeerCertificate`].
    pub async fn serve<S>(self, service: S, stop: CancellationToken)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
    {
        let Self { socket, tls, limits, https } = self;
        let connection_limits = ConnectionLimits::new(limits.connections, limits.connections_per_address);
        let shutdown_timeout = limits.shutdown;
        let abort = CancellationToken::new();
        let error_headers = headers::header_lines(https).into();
        let shared = Arc::new(Shared { limits, tls, error_headers, stop: stop.clone(), abort: abort.clone() });
        let connections = TaskTracker::new();

        while let Some(accepted) = stop.run_until_cancelled(socket.accept()).await {
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause_after(&error).await;
                    continue;
                }
            };
            let exempt = client::is_trusted(peer.ip(), &shared.limits.trusted_proxies);
            let Some(permit) = connection_limits.acquire(peer.ip(), exempt, Instant::now()) else {
                tracing::debug!(%peer, "too many connections");
                continue;
            };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%peer, %error, "connection without TCP_NODELAY");
            }
            let (service, shared) = (service.clone(), Arc::clone(&shared));
            connections.spawn(async move {
                connection::run(stream, peer, service, shared, &permit).await;
                drop(permit);
            });
        }

        drop(socket);
        connections.close();
        if tokio::time::timeout(shutdown_timeout, connections.wait()).await.is_err() {
            abort.cancel();
            connections.wait().await;
        }
    }
}

/// Pauses after an accept error, except for connections that the client aborted: without descriptors or memory, retrying
/// immediately would only waste CPU time.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "cannot accept connections");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
