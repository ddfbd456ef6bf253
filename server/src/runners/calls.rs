//! gRPC service for runners: each call is authenticated by client certificate and checked against the database.

use super::{
    Shared, connection,
    status::{internal_error, unknown_runner},
};
use crate::{
    anonymous_log,
    http::{ClientAddress, PeerCertificate},
    pki::{RunnerPeer, runner_identity},
};
use domain::{Actor, RunnerId, TenantId, security::SecurityEvent};
use futures::Stream;
use std::{net::IpAddr, pin::Pin, sync::Arc};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming, service::Routes};
use wire::{
    MAX_MESSAGE,
    v1::{
        RunnerMessage, ServerMessage,
        runner_server::{Runner, RunnerServer},
    },
};

/// Maximum number of queued messages per runner. If the queue is full, the stream is closed.
const SEND_QUEUE_LENGTH: usize = 256;

/// Returns the routes of the runner port.
pub(super) fn routes(shared: Arc<Shared>) -> axum::Router {
    let service = RunnerServer::new(RunnerService(shared))
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    Routes::new(service).prepare().into_axum_router()
}

struct RunnerService(Arc<Shared>);

#[tonic::async_trait]
impl Runner for RunnerService {
    type WorkStream = Pin<Box<dyn Stream<Item = Result<ServerMessage, Status>> + Send>>;

    async fn work(&self, request: Request<Streaming<RunnerMessage>>) -> Result<Response<Self::WorkStream>, Status> {
        let certificate = request.extensions().get::<PeerCertificate>();
        let certificate = certificate.ok_or_else(|| Status::unauthenticated("a client certificate is required"))?;
        let address = request.extensions().get::<ClientAddress>().map(|client| client.0);
        let peer = runner_identity(&certificate.0).map_err(|error| {
            let (event, reason) = (SecurityEvent::AgentConnectionFailure, error.to_string());
            anonymous_log::refused(event, address, None, "runner port", &reason);
            Status::unauthenticated(reason)
        })?;
        let actor = match self.0.actor(peer).await.map_err(|error| internal_error(&error))? {
            Some(actor) => actor,
            None => {
                record_rejection(&self.0, peer, address).await;
                return Err(unknown_runner());
            }
        };
        let (to, messages) = mpsc::channel(SEND_QUEUE_LENGTH);
        tokio::spawn(connection::run(Arc::clone(&self.0), peer, actor, request.into_inner(), to));
        Ok(Response::new(Box::pin(ReceiverStream::new(messages))))
    }
}

/// Audits a connection attempt with a certificate that is no longer valid.
async fn record_rejection(shared: &Shared, peer: RunnerPeer, address: Option<IpAddr>) {
    let runner = RunnerId(peer.runner);
    if !shared.registry.should_log_rejection(runner) {
        return;
    }
    let mut actor = Actor::runner(TenantId(peer.tenant), runner, "", shared.store().now());
    actor.address = address.map(|address| address.to_string());
    let recorded = async {
        let mut write = shared.store().write(&actor).await?;
        write.note_refused_runner(None, "it is revoked or its certificate was replaced").await?;
        write.commit().await
    };
    if let Err(error) = recorded.await {
        tracing::warn!(%error, %runner, "the rejection of a runner could not be audited");
    }
}
