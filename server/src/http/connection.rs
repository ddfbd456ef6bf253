//! Connection handling: TLS handshake, HTTP, timeouts and shutdown.

use super::{
    Limits,
    activity::{Activity, ClientConnection},
    body::{RequestBody, ResponseBody},
    client::{ClientAddress, Peer, PeerCertificate, client_address},
    connection_limits::Permit,
    socket::Socket,
};
use crate::anonymous_log;
use axum::body::Body;
use domain::security::SecurityEvent;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use rustls::ServerConfig;
use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt};

/// State that all connections of a listener share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// Header lines for error responses that the HTTP library writes.
    pub(super) error_headers: Arc<[u8]>,
    /// Finishes active requests, then closes.
    pub(super) stop: CancellationToken,
    /// Closes immediately.
    pub(super) abort: CancellationToken,
}

/// Peer of a connection, passed on with each request.
#[derive(Debug, Clone)]
struct ConnectionPeer {
    peer: Peer,
    certificate: Option<PeerCertificate>,
}

/// Performs the TLS handshake and serves requests until the connection ends.
pub(super) async fn run<S>(stream: TcpStream, peer: SocketAddr, service: S, shared: Arc<Shared>, permit: &Permit)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let peer = Peer(SocketAddr::new(peer.ip().to_canonical(), peer.port()));
    let (abort, activity) = (shared.abort.clone(), &permit.activity);
    let connection = async {
        match &shared.tls {
            None => serve(stream, ConnectionPeer { peer, certificate: None }, service, &shared, activity).await,
            Some(tls) => {
                let handshake = TlsAcceptor::from(Arc::clone(tls)).accept(stream);
                match timeout(shared.limits.handshake, handshake).await {
                    Err(_) => tracing::debug!(peer = %peer.0, "the TLS handshake timed out"),
                    Ok(Err(error)) => {
                        tracing::debug!(peer = %peer.0, %error, "the TLS handshake failed");
                        if is_certificate_error(&error) {
                            let (event, reason) = (SecurityEvent::AgentConnectionFailure, error.to_string());
                            anonymous_log::refused(event, Some(peer.0.ip()), None, "runner port", &reason);
                        }
                    }
                    Ok(Ok(stream)) => {
                        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                        let certificate = certificate.map(|first| PeerCertificate(first.clone().into_owned()));
                        if certificate.is_some() {
                            activity.mark_authenticated();
                        }
                        serve(stream, ConnectionPeer { peer, certificate }, service, &shared, activity).await;
                    }
                }
            }
        }
    };
    tokio::select! {
        () = connection => {}
        () = abort.cancelled() => {}
        () = permit.evicted.cancelled() => tracing::debug!(peer = %peer.0, "closed to make room for other connections"),
    }
}

/// Returns whether a handshake failed because of the client certificate, which only the runner port requests.
fn is_certificate_error(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented))
}

async fn serve<I, S>(stream: I, peer_info: ConnectionPeer, service: S, shared: &Arc<Shared>, activity: &Arc<Activity>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let limits = &shared.limits;
    let socket = Socket::new(stream, Arc::clone(activity), limits.write_stall, Arc::clone(&shared.error_headers));
    let peer = peer_info.peer.0;
    let handler = hyper::service::service_fn({
        let (activity, shared) = (Arc::clone(activity), Arc::clone(shared));
        move |request: Request<Incoming>| {
            let active = activity.begin();
            let response = service.clone().oneshot(with_extensions(request, &peer_info, &shared.limits, &activity));
            async move {
                let response = response.await?;
                Ok::<_, Infallible>(response.map(|inner| Body::new(ResponseBody { inner, _active: active })))
            }
        }
    });

    let http = http(limits);
    let mut connection = pin!(http.serve_connection(TokioIo::new(socket), handler));
    let mut shutting_down = false;
    loop {
        tokio::select! {
            end = connection.as_mut() => {
                if let Err(error) = end {
                    tracing::debug!(%peer, %error, "connection ended");
                }
                return;
            }
            () = shared.stop.cancelled(), if !shutting_down => {
                shutting_down = true;
                connection.as_mut().graceful_shutdown();
            }
            () = activity.idle_for(limits.header, limits.keep_alive) => {
                tracing::debug!(%peer, "closing an idle connection");
                return;
            }
        }
    }
}

/// Adds the client's addresses and certificate to a request, and limits its body.
fn with_extensions(
    request: Request<Incoming>,
    peer_info: &ConnectionPeer,
    limits: &Limits,
    activity: &Arc<Activity>,
) -> Request<Body> {
    let (mut parts, body) = request.into_parts();
    let (body, outcome) = RequestBody::new(body, limits, activity);
    let client = client_address(peer_info.peer.0.ip(), &parts.headers, &limits.trusted_proxies);
    parts.extensions.insert(peer_info.peer);
    parts.extensions.insert(ClientAddress(client));
    parts.extensions.insert(ClientConnection(Arc::clone(activity)));
    parts.extensions.insert(outcome);
    if let Some(certificate) = &peer_info.certificate {
        parts.extensions.insert(certificate.clone());
    }
    Request::from_parts(parts, Body::new(body))
}

/// Configures HTTP/1 and HTTP/2 with limits on everything that a client controls.
fn http(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_headers(100)
        .max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(32 * 1024)
        // Rapid reset attacks (CVE-2023-44487, CVE-2025-8671).
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(100)
        .max_send_buf_size(256 * 1024)
        .keep_alive_interval(std::time::Duration::from_secs(30))
        .keep_alive_timeout(std::time::Duration::from_secs(20));
    builder
}
