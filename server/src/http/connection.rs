//! One connection from its handshake to its end.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc};

use axum::body::Body;
use domain::security::SecurityEvent;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt};

use super::{
    Limits,
    activity::Activity,
    body::{AnswerBody, RequestBody},
    client::{ClientAddress, Peer, PeerCertificate, client_address},
    socket::Socket,
};
use crate::anonymous_log;

/// What all connections of one door share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// Header lines for refusals that no handler writes.
    pub(super) lines: Arc<[u8]>,
    /// Finish what is on its way and close.
    pub(super) stop: CancellationToken,
    /// Close now.
    pub(super) cut: CancellationToken,
}

/// What every request of one connection is told.
#[derive(Debug, Clone)]
struct Caller {
    peer: Peer,
    certificate: Option<PeerCertificate>,
}

/// Shakes hands and answers requests until either side has had enough.
pub(super) async fn run<S>(stream: TcpStream, peer: SocketAddr, service: S, shared: Arc<Shared>)
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let peer = Peer(SocketAddr::new(peer.ip().to_canonical(), peer.port()));
    let cut = shared.cut.clone();
    let whole = async {
        match &shared.tls {
            None => serve(stream, Caller { peer, certificate: None }, service, &shared).await,
            Some(tls) => {
                let handshake = TlsAcceptor::from(Arc::clone(tls)).accept(stream);
                match timeout(shared.limits.handshake, handshake).await {
                    Err(_) => tracing::debug!(peer = %peer.0, "the TLS handshake took too long"),
                    Ok(Err(error)) => {
                        tracing::debug!(peer = %peer.0, %error, "the TLS handshake failed");
                        if of_certificate(&error) {
                            let (event, reason) = (SecurityEvent::AgentConnectionFailure, error.to_string());
                            anonymous_log::refused(event, Some(peer.0.ip()), None, "runner port", &reason);
                        }
                    }
                    Ok(Ok(stream)) => {
                        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                        let certificate = certificate.map(|first| PeerCertificate(first.clone().into_owned()));
                        serve(stream, Caller { peer, certificate }, service, &shared).await;
                    }
                }
            }
        }
    };
    tokio::select! {
        () = whole => {}
        () = cut.cancelled() => {}
    }
}

/// Whether a handshake failed for what the client showed. Only runners are asked for a certificate.
fn of_certificate(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented))
}

async fn serve<I, S>(stream: I, caller: Caller, service: S, shared: &Arc<Shared>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let limits = &shared.limits;
    let activity = Activity::new();
    let socket = Socket::new(stream, Arc::clone(&activity), limits.write_stall, Arc::clone(&shared.lines));
    let peer = caller.peer.0;
    let answering = hyper::service::service_fn({
        let (activity, shared) = (Arc::clone(&activity), Arc::clone(shared));
        move |request: Request<Incoming>| {
            let busy = activity.begin();
            let answer = service.clone().oneshot(announced(request, &caller, &shared.limits));
            async move {
                let answer = answer.await?;
                Ok::<_, Infallible>(answer.map(|inner| Body::new(AnswerBody { inner, _busy: busy })))
            }
        }
    });

    let http = http(limits);
    let mut connection = pin!(http.serve_connection(TokioIo::new(socket), answering));
    let mut asked_to_end = false;
    loop {
        tokio::select! {
            end = connection.as_mut() => {
                if let Err(error) = end {
                    tracing::debug!(%peer, %error, "connection ended");
                }
                return;
            }
            () = shared.stop.cancelled(), if !asked_to_end => {
                asked_to_end = true;
                connection.as_mut().graceful_shutdown();
            }
            () = activity.idle_for(limits.header, limits.keep_alive) => {
                tracing::debug!(%peer, "closing an idle connection");
                return;
            }
        }
    }
}

/// The request with what we know about its sender, and its body within the limits.
fn announced(request: Request<Incoming>, caller: &Caller, limits: &Limits) -> Request<Body> {
    let (mut parts, body) = request.into_parts();
    let (body, outcome) = RequestBody::new(body, limits);
    let client = client_address(caller.peer.0.ip(), &parts.headers, &limits.trusted_proxies);
    parts.extensions.insert(caller.peer);
    parts.extensions.insert(ClientAddress(client));
    parts.extensions.insert(outcome);
    if let Some(certificate) = &caller.certificate {
        parts.extensions.insert(certificate.clone());
    }
    Request::from_parts(parts, Body::new(body))
}

/// HTTP/1 and HTTP/2 with bounds on everything that a client decides.
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
        // Streams opened and reset in a flood (CVE-2023-44487, CVE-2025-8671).
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(100)
        .max_send_buf_size(256 * 1024)
        .keep_alive_interval(std::time::Duration::from_secs(30))
        .keep_alive_timeout(std::time::Duration::from_secs(20));
    builder
}
