//! Certificate renewal over the open connection, without interrupting tasks (S-05).

use super::{connection::Session, date, status::status_of};
use crate::pki::PkiError;
use domain::Timestamp;
use tonic::Status;
use wire::v1::{self, server_message};

impl Session {
    /// Issues a certificate for the key in the request. It is sent only after the commit, so that runners never hold a
    /// certificate that the database does not know. The caller has checked that the runner is not revoked.
    pub(super) async fn renew(&self, renew: &v1::Renew) -> Result<(), Status> {
        let (store, peer) = (self.shared.store(), self.peer());
        let now = store.now();
        if !peer.is_renewal_due(now) {
            return Err(Status::failed_precondition("the certificate has 30 days left or more"));
        }
        let unavailable = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a runner certificate could not be renewed");
            Status::unavailable("the server is temporarily unavailable")
        };
        let now = date(now).map_err(|error| unavailable(&error))?;
        let authority = &self.shared.authority;
        let issued =
            authority.issue_runner_certificate(renew.csr.as_bytes(), peer.runner, &self.actor.name, peer.tenant, now);
        let issued = issued.map_err(|error| match error {
            PkiError::Request(why) => Status::invalid_argument(why),
            error => unavailable(&error),
        })?;
        let expires_at = Timestamp(issued.not_after.unix_timestamp().saturating_mul(1_000_000));
        let stored = async {
            let mut write = store.write(&self.actor).await?;
            write.renew_runner(issued.serial.to_string(), expires_at).await?;
            write.commit().await
        };
        stored.await.map_err(|error| status_of(&error))?;
        tracing::info!(runner = %peer.runner, serial = %issued.serial, "a runner certificate was renewed");
        self.send(server_message::Kind::Renewed(v1::Renewed { certificate: issued.pem })).await
    }
}
