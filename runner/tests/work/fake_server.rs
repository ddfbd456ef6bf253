//! Fake server: the server's side of the protocol, controlled by the test.

use crate::deployment::attempt_of;
use domain::{Timestamp, receipt::Receipt};
use runner::clock;
use rustls::ServerConfig;
use std::{pin::Pin, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming, transport::Server};
use wire::v1::{
    Assign, Attempt, Cancel, FinishedAck, HeartbeatAck, Hello, LeaseLost, LinesAck, Refused, RunnerMessage,
    ServerMessage, Started, Welcome,
    runner_message::Kind,
    runner_server::{Runner, RunnerServer},
    server_message,
};

const TIMEOUT: Duration = Duration::from_secs(20);

/// A server that accepts streams of runners.
pub struct FakeServer {
    streams: Mutex<mpsc::Receiver<RunnerStream>>,
}

/// A stream of a runner.
pub struct RunnerStream {
    from: Streaming<RunnerMessage>,
    to: mpsc::Sender<Result<ServerMessage, Status>>,
    pub alive: bool,
    pub due: bool,
    /// The checkpoint of the welcome.
    pub checkpoint: String,
    /// The successions of the welcome.
    pub successions: Vec<String>,
    /// The successions of the grant key of the welcome.
    pub grant_successions: Vec<String>,
    pub active: Vec<Attempt>,
}

struct Service(mpsc::Sender<RunnerStream>);

#[tonic::async_trait]
impl Runner for Service {
    type WorkStream = Pin<Box<dyn Stream<Item = Result<ServerMessage, Status>> + Send>>;

    async fn work(&self, request: Request<Streaming<RunnerMessage>>) -> Result<Response<Self::WorkStream>, Status> {
        assert!(request.peer_certs().is_some_and(|chain| !chain.is_empty()), "the runner shows its certificate");
        let (to, messages) = mpsc::channel(64);
        self.0
            .send(RunnerStream {
                from: request.into_inner(),
                to,
                alive: true,
                due: false,
                checkpoint: String::new(),
                successions: vec![],
                grant_successions: vec![],
                active: vec![],
            })
            .await
            .unwrap();
        Ok(Response::new(Box::pin(ReceiverStream::new(messages))))
    }
}

impl FakeServer {
    pub fn open(listener: TcpListener, tls: Arc<ServerConfig>) -> Self {
        let (opened, streams) = mpsc::channel(8);
        let (accepted, connections) = mpsc::channel::<std::io::Result<_>>(8);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = TlsAcceptor::from(Arc::clone(&tls)).accept(stream).await {
                    accepted.send(Ok(stream)).await.unwrap();
                }
            }
        });
        let server = Server::builder().add_service(RunnerServer::new(Service(opened)));
        tokio::spawn(server.serve_with_incoming(ReceiverStream::new(connections)));
        Self { streams: Mutex::new(streams) }
    }

    /// Returns the next stream that a runner opens.
    pub async fn next_stream(&self) -> RunnerStream {
        timeout(TIMEOUT, async { self.streams.lock().await.recv().await }).await.expect("a runner streams").unwrap()
    }

    /// Returns whether no runner opens a stream for a while.
    pub async fn is_quiet(&self) -> bool {
        timeout(Duration::from_secs(2), async { self.streams.lock().await.recv().await }).await.is_err()
    }
}

impl RunnerStream {
    pub async fn send(&self, kind: server_message::Kind) {
        let _ = self.to.send(Ok(ServerMessage { kind: Some(kind) })).await; // the runner may have disconnected
    }

    /// Sends a message of an unknown kind, which decodes as a message without a kind.
    pub async fn send_unknown_message(&self) {
        self.to.send(Ok(ServerMessage { kind: None })).await.unwrap();
    }

    /// Returns the next message other than a heartbeat; `None` when the stream has ended.
    pub async fn next_message(&mut self) -> Option<Kind> {
        loop {
            let message =
                timeout(TIMEOUT, self.from.message()).await.expect("the runner sends a message").ok().flatten()?;
            let kind = message.kind.unwrap();
            if let Kind::Heartbeat(beat) = &kind {
                self.active.clone_from(&beat.active);
            }
            match kind {
                Kind::Heartbeat(beat) if self.alive => {
                    self.send(server_message::Kind::HeartbeatAck(HeartbeatAck {
                        sequence: beat.sequence,
                        renew: self.due,
                    }))
                    .await;
                }
                Kind::Heartbeat(_) => {}
                kind => return Some(kind),
            }
        }
    }

    /// Receives the greeting and welcomes the runner with a lease of `lease_seconds`.
    pub async fn greet(&mut self, grant_key: [u8; 32], lease_seconds: u32) -> Hello {
        self.greet_at(grant_key, lease_seconds, clock::now()).await
    }

    /// Greets the runner as a server whose clock shows `now`.
    pub async fn greet_at(&mut self, grant_key: [u8; 32], lease_seconds: u32, now: Timestamp) -> Hello {
        let Some(Kind::Hello(hello)) = self.next_message().await else { panic!("a greeting") };
        let grant_public_key = grant_key.to_vec().into();
        let welcome = Welcome {
            server_time: now.0,
            heartbeat_seconds: 1,
            lease_seconds,
            grant_public_key,
            renew: self.due,
            checkpoint: self.checkpoint.clone(),
            checkpoint_successions: self.successions.clone(),
            grant_successions: self.grant_successions.clone(),
        };
        self.send(server_message::Kind::Welcome(welcome)).await;
        hello
    }

    pub async fn assign(&self, assign: Assign) {
        self.send(server_message::Kind::Assign(assign)).await;
    }

    pub async fn cancel(&self, task: u128, attempt: u32) {
        self.send(server_message::Kind::Cancel(Cancel { attempt: attempt_of(task, attempt) })).await;
    }

    pub async fn lease_lost(&self, task: u128, attempt: u32) {
        self.send(server_message::Kind::LeaseLost(LeaseLost { attempt: attempt_of(task, attempt) })).await;
    }

    pub async fn lines_ack(&self, task: u128, attempt: u32, next_line: u64) {
        self.send(server_message::Kind::LinesAck(LinesAck { attempt: attempt_of(task, attempt), next_line })).await;
    }

    pub async fn finished_ack(&self, task: u128, attempt: u32) {
        self.send(server_message::Kind::FinishedAck(FinishedAck { attempt: attempt_of(task, attempt) })).await;
    }

    pub async fn started(&mut self) -> Started {
        match self.next_message().await {
            Some(Kind::Started(started)) => started,
            other => panic!("{other:?} instead of a start"),
        }
    }

    pub async fn refused(&mut self) -> Refused {
        match self.next_message().await {
            Some(Kind::Refused(refused)) => refused,
            other => panic!("{other:?} instead of a refusal"),
        }
    }

    /// Receives lines into `kept`, and acknowledges them, until there are `count`, or all.
    pub async fn lines(
        &mut self,
        task: u128,
        attempt: u32,
        kept: &mut Vec<String>,
        count: usize,
    ) -> Option<(Receipt, Vec<u8>)> {
        while kept.len() < count {
            match self.next_message().await {
                Some(Kind::Lines(lines)) => {
                    assert_eq!(
                        usize::try_from(lines.first_line).unwrap(),
                        kept.len() + 1,
                        "every line arrives exactly once"
                    );
                    kept.extend(lines.lines.into_iter().map(|line| line.text));
                    self.lines_ack(task, attempt, u64::try_from(kept.len()).unwrap() + 1).await;
                }
                Some(Kind::Finished(finished)) if finished.attempt == attempt_of(task, attempt) => {
                    return Some((Receipt::read(&finished.receipt).unwrap(), finished.signature.to_vec()));
                }
                Some(Kind::Started(_) | Kind::Finished(_)) => {} // repeated for other attempts
                other => panic!("{other:?} instead of lines"),
            }
        }
        None
    }

    /// Receives all messages up to the receipt.
    pub async fn rest(&mut self, task: u128, attempt: u32, kept: &mut Vec<String>) -> (Receipt, Vec<u8>) {
        self.lines(task, attempt, kept, usize::MAX).await.unwrap()
    }
}
