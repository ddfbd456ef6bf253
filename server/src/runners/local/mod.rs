//! Local runners: one child process per tenant, enrolled automatically.

mod child;

pub use child::program;

use super::Shared;
use crate::{authentication::digest, failure::Failure, pki::runner_identity};
use auth::Token;
use domain::{
    Actor, EnrollmentId, RunnerId, TenantId,
    policy::{CreateEnrollment, RevokeRunner},
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde::{Deserialize, de::IgnoredAny};
use std::{
    collections::HashSet,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};
use store::Runner;
use tokio::{sync::broadcast::error::RecvError, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// Runs a local runner for each tenant, including new ones, until `stop`.
pub(super) async fn run(shared: &std::sync::Arc<Shared>, stop: &CancellationToken) {
    if !shared.app.config.local_runner.enabled {
        return;
    }
    let mut events = shared.store().subscribe();
    let mut supervised = HashSet::new();
    let mut children = JoinSet::new();
    loop {
        match shared.store().system().tenants().await {
            Ok(tenants) => {
                for tenant in tenants.into_iter().filter(|tenant| supervised.insert(tenant.id)) {
                    children.spawn(child::supervise(std::sync::Arc::clone(shared), tenant.id, stop.clone()));
                }
            }
            Err(error) => tracing::error!(%error, "the local runners of new tenants could not be started"),
        }
        loop {
            let event = tokio::select! {
                () = stop.cancelled() => {
                    while children.join_next().await.is_some() {}
                    return;
                }
                event = events.recv() => event,
            };
            match event {
                Ok(event) if supervised.contains(&event.tenant) => {}
                Err(RecvError::Closed) => return,
                Ok(_) | Err(RecvError::Lagged(_)) => break, // a new tenant, or missed events
            }
        }
    }
}

/// How a local runner can connect.
#[derive(Debug)]
enum Access {
    /// It has a valid identity.
    Enrolled,
    /// Enrollment token.
    Token(String),
    /// It was revoked deliberately, so it is not enrolled again. Contains its directory.
    Revoked(PathBuf),
}

/// Determines how the local runner of a tenant can connect. Creates an enrollment token if it has no usable identity; its
/// folder remains, with what it remembers of the audit log.
async fn access(shared: &Shared, tenant: TenantId, folder: &Path, name: &str) -> Result<Access, Failure> {
    let console = Actor::console(tenant, shared.store().now());
    let mut read = shared.store().read(&console).await?;
    let own = match identity(folder) {
        Some(id) => read.runner(id).await.map(Some).or_else(not_found_is_none)?,
        None => None,
    };
    match own {
        Some(runner) if runner.revoked_at.is_some() => return Ok(Access::Revoked(folder.to_owned())),
        // It renews its certificate itself while that is valid.
        Some(runner) if runner.expires_at > shared.store().now() => return Ok(Access::Enrolled),
        _ => {}
    }
    // The old runner lost its directory or its certificate expired: free its name.
    if let Some(old) = read.runner_by_name(name).await? {
        drop(read);
        revoke(shared, &console, &old).await?;
    }
    let token = Token::new("reg_").map_err(|error| Failure::new(error.to_string()))?;
    let create = CreateEnrollment { enrollment: EnrollmentId(store::new_id()), name: name.to_owned() };
    let proof = shared.store().authorize(&console, create).await?;
    let mut write = shared.store().write(&console).await?;
    write.create_enrollment(proof, token.hash).await?;
    write.commit().await?;
    Ok(Access::Token(token.text))
}

fn not_found_is_none<T>(error: store::Error) -> store::Result<Option<T>> {
    if matches!(error, store::Error::NotFound) { Ok(None) } else { Err(error) }
}

async fn revoke(shared: &Shared, console: &Actor, old: &Runner) -> Result<(), Failure> {
    let proof = shared.store().authorize(console, RevokeRunner { runner: old.id }).await?;
    let mut write = shared.store().write(console).await?;
    write.revoke_runner(proof).await?;
    Ok(write.commit().await?)
}

/// Reads the ID of the runner in `folder`, if there is one.
fn identity(folder: &Path) -> Option<RunnerId> {
    /// The fields without which the runner refuses the file.
    #[derive(Deserialize)]
    struct IdentityFile {
        certificate: String,
        #[serde(rename = "grant_key")]
        _grant_key: IgnoredAny,
        #[serde(rename = "checkpoint_key")]
        _checkpoint_key: IgnoredAny,
    }
    let file: IdentityFile = serde_json::from_slice(&fs::read(folder.join("identity.json")).ok()?).ok()?;
    let certificate = CertificateDer::from_pem_slice(file.certificate.as_bytes()).ok()?;
    Some(RunnerId(runner_identity(&certificate).ok()?.runner))
}

/// Returns the name of this node's local runner. Nodes that share a database need different names.
fn name(shared: &Shared) -> String {
    if shared.store().is_embedded() {
        return "local".into();
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().to_ascii_lowercase();
    let host: String = host.chars().filter(|c| allowed(*c)).take(40).collect();
    let folder_hash = digest(&shared.app.config.data_dir.canonicalize().unwrap_or_default().to_string_lossy());
    format!("local-{host}-{}", hex::encode(folder_hash.get(..3).unwrap_or_default()))
}

/// Returns an address at which this machine can reach a listener on `address`.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(ip, address.port())
}
