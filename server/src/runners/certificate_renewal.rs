//! Renewal over the connection that stands: another key, the same runner, no task interrupted (S-05).

use domain::Timestamp;
use time::{Duration, OffsetDateTime};
use tonic::Status;
use wire::v1::{self, server_message};

use super::{
    connection::{Session, told},
    date,
};
use crate::pki::{PkiError, RunnerPeer};

/// With less than this left a certificate is renewed.
const DUE: Duration = Duration::days(30);

/// Whether a runner that shows this certificate should ask for another one.
pub(super) fn is_due(peer: &RunnerPeer, now: Timestamp) -> bool {
    OffsetDateTime::from_unix_timestamp(now.seconds()).is_ok_and(|now| peer.not_after - now < DUE)
}

impl Session {
    /// Issues a certificate for the key in the request, and says so when it is kept: a runner never has one that we do not
    /// know. Whether the runner still counts was asked for this very message.
    pub(super) async fn renew(&self, renew: &v1::Renew) -> Result<(), Status> {
        let (store, peer) = (self.shared.store(), self.peer());
        let now = store.now();
        if !is_due(&peer, now) {
            return Err(Status::failed_precondition("the certificate has 30 days left or more"));
        }
        let broken = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a certificate could not be renewed");
            Status::unavailable("the server cannot answer at the moment")
        };
        let now = date(now).map_err(|error| broken(&error))?;
        let authority = &self.shared.authority;
        let issued =
            authority.issue_runner_certificate(renew.csr.as_bytes(), peer.runner, &self.actor.name, peer.tenant, now);
        let issued = issued.map_err(|error| match error {
            PkiError::Request(why) => Status::invalid_argument(why),
            error => broken(&error),
        })?;
        let expires_at = Timestamp(issued.not_after.unix_timestamp().saturating_mul(1_000_000));
        let kept = async {
            let mut write = store.write(&self.actor).await?;
            write.renew_runner(issued.serial.to_string(), expires_at).await?;
            write.commit().await
        };
        kept.await.map_err(|error| told(&error))?;
        tracing::info!(runner = %peer.runner, serial = %issued.serial, "a runner's certificate is renewed");
        self.say(server_message::Kind::Renewed(v1::Renewed { certificate: issued.pem })).await
    }
}
