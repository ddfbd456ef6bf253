//! Connection to the server: gRPC over mutual TLS, opened by the runner, with one stream in each direction.

mod backoff;
mod tls;

use crate::{
    config::Endpoint,
    identity::{Identity, IdentityError, RunnerKey},
};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpStream, sync::mpsc, task::JoinHandle};
use tokio_rustls::TlsConnector;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{
    Code, Status,
    transport::{self, Channel},
};
use tower::service_fn;
use wire::{
    MAX_MESSAGE,
    v1::{RunnerMessage, ServerMessage, runner_client::RunnerClient, runner_message, server_message},
};

pub use backoff::Backoff;

/// The timeout of name resolution, TCP, TLS and HTTP/2 together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The interval and the timeout of keepalive pings.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// The flow-control window in bytes.
const WINDOW: u32 = 1 << 20;

/// An error while connecting.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("TLS cannot be set up with this identity: {0}")]
    Tls(#[from] rustls::Error),
    #[error("{0} is not a valid address")]
    Address(String),
    #[error("the server cannot be reached: {}", causes(.0))]
    Transport(#[from] transport::Error),
}

fn causes(error: &transport::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.last().map_or_else(|| error.to_string(), ToString::to_string)
}

/// The reason why a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEnd {
    /// The stream broke or the server stopped; reconnect soon.
    Broken(String),
    /// The server rejects this runner.
    Unwanted(String),
}

/// A connector to the server.
#[derive(Clone, Debug)]
pub struct Dialer {
    tls: Arc<ClientConfig>,
    endpoint: Endpoint,
}

impl Dialer {
    /// Returns a connector to `endpoint`.
    ///
    /// # Errors
    /// Fails if certificate, key and authority do not match.
    pub fn new(identity: &Identity, key: &RunnerKey, endpoint: Endpoint) -> Result<Self, LinkError> {
        Ok(Self { tls: tls::client(identity, key)?, endpoint })
    }

    /// Connects with mutual TLS.
    ///
    /// # Errors
    /// Fails if the server cannot be reached, or its certificate is from another authority.
    pub async fn dial(&self) -> Result<Channel, LinkError> {
        let Endpoint { host, port } = self.endpoint.clone();
        let name = ServerName::try_from(host.clone()).map_err(|_| LinkError::Address(host.clone()))?;
        let tls = TlsConnector::from(Arc::clone(&self.tls));
        let connect = service_fn(move |_| {
            let (tls, name, host) = (tls.clone(), name.clone(), host.clone());
            async move {
                let stream = TcpStream::connect((host, port)).await?;
                stream.set_nodelay(true)?;
                tls.connect(name, stream).await.map(TokioIo::new)
            }
        });
        // The scheme is http because the connector does TLS itself; the server sees https.
        let origin = |scheme: &str| format!("{scheme}://{}", self.endpoint);
        let address = |_| LinkError::Address(self.endpoint.to_string());
        let channel = transport::Endpoint::from_shared(origin("http"))?
            .origin(origin("https").parse().map_err(address)?)
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_INTERVAL)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .connect_with_connector(connect)
            .await?;
        Ok(channel)
    }
}

/// An open stream.
#[derive(Debug)]
pub struct Link {
    outgoing: mpsc::UnboundedSender<RunnerMessage>,
    incoming: mpsc::Receiver<Result<server_message::Kind, StreamEnd>>,
    pump: JoinHandle<()>,
}

impl Link {
    /// Opens the stream and sends `hello`.
    pub fn open(channel: Channel, hello: runner_message::Kind) -> Self {
        let (outgoing, messages) = mpsc::unbounded_channel();
        let (events, incoming) = mpsc::channel(16);
        let link = Self { outgoing, incoming, pump: tokio::spawn(pump(channel, messages, events)) };
        link.send(hello);
        link
    }

    /// Sends a message, if the connection is still open. It never blocks: callers bound the number of unacknowledged
    /// messages, and send lost messages again on the next stream.
    pub fn send(&self, kind: runner_message::Kind) {
        let _ = self.outgoing.send(RunnerMessage { kind: Some(kind) }); // `next` reports the end
    }

    /// Returns the next message.
    ///
    /// # Errors
    /// Fails if the stream has ended.
    pub async fn next(&mut self) -> Result<server_message::Kind, StreamEnd> {
        let ended = || Err(StreamEnd::Broken("the connection ended".into()));
        self.incoming.recv().await.unwrap_or_else(ended)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Forwards incoming messages until the stream ends.
async fn pump(
    channel: Channel,
    messages: mpsc::UnboundedReceiver<RunnerMessage>,
    events: mpsc::Sender<Result<server_message::Kind, StreamEnd>>,
) {
    let mut client =
        RunnerClient::new(channel).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE);
    let end = match client.work(UnboundedReceiverStream::new(messages)).await {
        Err(status) => ended(&status),
        Ok(answer) => {
            let mut stream = answer.into_inner();
            loop {
                match stream.message().await {
                    Err(status) => break ended(&status),
                    Ok(None) => break StreamEnd::Broken("the server closed the stream".into()),
                    // An unknown kind of message is decoded as `None`.
                    Ok(Some(ServerMessage { kind: None })) => {
                        break StreamEnd::Broken("the server sent an unknown message".into());
                    }
                    Ok(Some(ServerMessage { kind: Some(kind) })) => {
                        if events.send(Ok(kind)).await.is_err() {
                            return;
                        }
                    }
                }
            }
        }
    };
    let _ = events.send(Err(end)).await; // the receiver may have been dropped
}

fn ended(status: &Status) -> StreamEnd {
    let text = format!("{}: {}", status.code(), status.message());
    match status.code() {
        Code::PermissionDenied | Code::Unauthenticated => StreamEnd::Unwanted(text),
        _ => StreamEnd::Broken(text),
    }
}
