//! The gRPC service: who calls is known by certificate, and whether that still counts by the database, on every call.

use std::{net::IpAddr, pin::Pin, sync::Arc};

use domain::{Actor, RunnerId, TenantId, security::SecurityEvent};
use futures::Stream;
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

use super::{Shared, connection};
use crate::{
    anonymous_log,
    http::{ClientAddress, PeerCertificate},
    pki::{RunnerPeer, runner_identity},
};

/// Messages that may wait for one runner; its stream ends when it reads no more.
const WAITING: usize = 256;

/// The service as routes for the runners' door.
pub(super) fn routes(shared: Arc<Shared>) -> axum::Router {
    let service =
        RunnerServer::new(Calls(shared)).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE);
    Routes::new(service).prepare().into_axum_router()
}

struct Calls(Arc<Shared>);

#[tonic::async_trait]
impl Runner for Calls {
    type WorkStream = Pin<Box<dyn Stream<Item = Result<ServerMessage, Status>> + Send>>;

    async fn work(&self, request: Request<Streaming<RunnerMessage>>) -> Result<Response<Self::WorkStream>, Status> {
        let certificate = request.extensions().get::<PeerCertificate>();
        let certificate = certificate.ok_or_else(|| Status::unauthenticated("a client certificate is needed"))?;
        let address = request.extensions().get::<ClientAddress>().map(|client| client.0);
        let peer = runner_identity(&certificate.0).map_err(|error| {
            let (event, reason) = (SecurityEvent::AgentConnectionFailure, error.to_string());
            anonymous_log::refused(event, address, None, "runner port", &reason);
            Status::unauthenticated(reason)
        })?;
        let actor = match self.0.actor(peer).await.map_err(|error| inside(&error))? {
            Some(actor) => actor,
            None => {
                turned_away(&self.0, peer, address).await;
                return Err(unknown());
            }
        };
        let (to, messages) = mpsc::channel(WAITING);
        tokio::spawn(connection::run(Arc::clone(&self.0), peer, actor, request.into_inner(), to));
        Ok(Response::new(Box::pin(ReceiverStream::new(messages))))
    }
}

/// What a runner is told that does not count (any more).
pub(super) fn unknown() -> Status {
    Status::permission_denied("this runner is revoked, or its certificate is not the one that counts")
}

/// What a runner is told of our own troubles: nothing but that they may pass.
pub(super) fn inside(error: &store::Error) -> Status {
    tracing::error!(%error, "a runner could not be served");
    Status::unavailable("the server cannot answer at the moment")
}

/// Records that somebody came with a certificate of ours that does not count.
async fn turned_away(shared: &Shared, peer: RunnerPeer, address: Option<IpAddr>) {
    let runner = RunnerId(peer.runner);
    if !shared.registry.is_news(runner) {
        return;
    }
    let mut actor = Actor::runner(TenantId(peer.tenant), runner, "", shared.store().now());
    actor.address = address.map(|address| address.to_string());
    let noted = async {
        let mut write = shared.store().write(&actor).await?;
        write.note_refused_runner(None, "it is revoked, or its certificate is not the one that counts").await?;
        write.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, %runner, "a runner that was turned away is not in the audit log");
    }
}
