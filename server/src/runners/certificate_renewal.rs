//! Certificate renewal over the open connection, without interrupting tasks (S-05).

use super::{
    connection::{Session, status_of},
    date,
};
use crate::pki::{PkiError, RunnerPeer};
use domain::Timestamp;
use time::{Duration, OffsetDateTime};
use tonic::Status;
use wire::v1::{self, server_message};

/// Certificates with less remaining validity are renewed.
const RENEWAL_THRESHOLD: Duration = Duration::days(30);

/// Returns whether the runner should renew this certificate.
pub(super) fn is_due(peer: &RunnerPeer, now: Timestamp) -> bool {
    OffsetDateTime::from_unix_timestamp(now.seconds()).is_ok_and(|now| peer.not_after - now < RENEWAL_THRESHOLD)
}

impl Session {
    /// Issues a certificate for the key in the request. It is sent only after the commit, so that runners never hold a
    /// certificate that the database does not know. The caller has checked that the runner is not revoked.
    pub(super) async fn renew(&self, renew: &v1::Renew) -> Result<(), Status> {
        let (store, peer) = (self.shared.store(), self.peer());
        let now = store.now();
        if !is_due(&peer, now) {
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
