//! The connection to the server: gRPC over mutual TLS, opened from here, one stream each way.

mod backoff;
mod tls;

use std::{sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
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

use crate::{
    config::Endpoint,
    identity::{Identity, IdentityError, RunnerKey},
};
pub use backoff::Backoff;

/// For name resolution, TCP, TLS and HTTP/2 together.
const CONNECTING: Duration = Duration::from_secs(10);
/// How often a silent connection is tried, and how long it may take to answer.
const PING: Duration = Duration::from_secs(10);
/// Bytes that may be on their way unasked.
const WINDOW: u32 = 1 << 20;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("TLS cannot be set up with this identity: {0}")]
    Tls(#[from] rustls::Error),
    #[error("{0} is no address")]
    Address(String),
    #[error("the server cannot be reached: {}", causes(.0))]
    Transport(#[from] transport::Error),
}

fn causes(error: &transport::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.last().map_or_else(|| error.to_string(), ToString::to_string)
}

/// How a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It broke, or the server stopped; it is worth coming back soon.
    Broken(String),
    /// The server wants nothing to do with this runner.
    Unwanted(String),
}

/// Knows the way to the server.
#[derive(Clone, Debug)]
pub struct Dialer {
    tls: Arc<ClientConfig>,
    endpoint: Endpoint,
}

impl Dialer {
    /// A way to `endpoint`.
    ///
    /// # Errors
    /// When the identity's parts do not fit together.
    pub fn new(identity: &Identity, key: &RunnerKey, endpoint: Endpoint) -> Result<Self, LinkError> {
        Ok(Self { tls: tls::client(identity, key)?, endpoint })
    }

    /// Connects, shows our certificate and checks the server's.
    ///
    /// # Errors
    /// When the server cannot be reached, or is another.
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
        // The scheme says http because TLS is our own affair, not the library's; the server sees https.
        let origin = |scheme: &str| format!("{scheme}://{}", self.endpoint);
        let address = |_| LinkError::Address(self.endpoint.to_string());
        let channel = transport::Endpoint::from_shared(origin("http"))?
            .origin(origin("https").parse().map_err(address)?)
            .connect_timeout(CONNECTING)
            .http2_keep_alive_interval(PING)
            .keep_alive_timeout(PING)
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
    incoming: mpsc::Receiver<Result<server_message::Kind, Ended>>,
    pump: JoinHandle<()>,
}

impl Link {
    /// Opens the stream; `hello` goes first.
    pub fn open(channel: Channel, hello: runner_message::Kind) -> Self {
        let (outgoing, messages) = mpsc::unbounded_channel();
        let (told, incoming) = mpsc::channel(16);
        let link = Self { outgoing, incoming, pump: tokio::spawn(pump(channel, messages, told)) };
        link.send(hello);
        link
    }

    /// Sends a message, if the connection still stands. Nothing waits here: what may be on its way is bounded by
    /// who sends it, and a word that is lost is said again on the next stream.
    pub fn send(&self, kind: runner_message::Kind) {
        let _ = self.outgoing.send(RunnerMessage { kind: Some(kind) }); // the end is told by `next`
    }

    /// The next message, or how it ended.
    ///
    /// # Errors
    /// At the end, which is final.
    pub async fn next(&mut self) -> Result<server_message::Kind, Ended> {
        let ended = || Err(Ended::Broken("the connection ended".into()));
        self.incoming.recv().await.unwrap_or_else(ended)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Carries messages in until the stream ends.
async fn pump(
    channel: Channel,
    messages: mpsc::UnboundedReceiver<RunnerMessage>,
    told: mpsc::Sender<Result<server_message::Kind, Ended>>,
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
                    Ok(None) => break Ended::Broken("the server closed the stream".into()),
                    // A kind that is not known here decodes as none.
                    Ok(Some(ServerMessage { kind: None })) => {
                        break Ended::Broken("the server said something unknown".into());
                    }
                    Ok(Some(ServerMessage { kind: Some(kind) })) => {
                        if told.send(Ok(kind)).await.is_err() {
                            return;
                        }
                    }
                }
            }
        }
    };
    let _ = told.send(Err(end)).await; // nobody waits
}

fn ended(status: &Status) -> Ended {
    let text = format!("{}: {}", status.code(), status.message());
    match status.code() {
        Code::PermissionDenied | Code::Unauthenticated => Ended::Unwanted(text),
        _ => Ended::Broken(text),
    }
}
