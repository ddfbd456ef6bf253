//! The runners on this machine: one child process for each tenant, enrolled without anybody's help.

mod child;

pub use child::program;

use std::{
    collections::HashSet,
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use auth::Token;
use domain::{
    Actor, EnrollmentId, RunnerId, TenantId,
    policy::{CreateEnrollment, RevokeRunner},
};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde::Deserialize;
use store::Runner;
use tokio::{sync::broadcast::error::RecvError, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Shared, new_id};
use crate::{auth::digest, failure::Failure, pki::runner_identity};

/// Keeps a runner for each tenant, new ones included, until `stop`.
pub(super) async fn run(shared: &std::sync::Arc<Shared>, stop: &CancellationToken) {
    if !shared.app.config.local_runner.enabled {
        return;
    }
    let mut events = shared.store().subscribe();
    let mut kept = HashSet::new();
    let mut children = JoinSet::new();
    loop {
        match shared.store().system().tenants().await {
            Ok(tenants) => {
                for tenant in tenants.into_iter().filter(|tenant| kept.insert(tenant.id)) {
                    children.spawn(child::keep(std::sync::Arc::clone(shared), tenant.id, stop.clone()));
                }
            }
            Err(error) => tracing::error!(%error, "local runners of new tenants are not started yet"),
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
                Ok(event) if kept.contains(&event.tenant) => {}
                Err(RecvError::Closed) => return,
                Ok(_) | Err(RecvError::Lagged(_)) => break, // of a tenant that is new, or nobody knows
            }
        }
    }
}

/// What a child needs to come in.
#[derive(Debug)]
enum Entry {
    /// It has an identity that counts.
    Known,
    /// A token to enroll with.
    Token(String),
    /// It was revoked, and that was meant.
    Revoked(PathBuf),
}

/// Finds out how the child of this tenant comes in; makes room for a new identity where the old one is of no use.
async fn entry(shared: &Shared, tenant: TenantId, folder: &Path, name: &str) -> Result<Entry, Failure> {
    let console = Actor::console(tenant, shared.store().now());
    let mut read = shared.store().read(&console).await?;
    let own = match identity(folder) {
        Some(id) => read.runner(id).await.map(Some).or_else(none)?,
        None => None,
    };
    match own {
        Some(runner) if runner.revoked_at.is_some() => return Ok(Entry::Revoked(folder.to_owned())),
        // It renews its certificate by itself, as long as that counts.
        Some(runner) if runner.expires_at > shared.store().now() => return Ok(Entry::Known),
        _ => {}
    }
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    // One that lost its folder, or is too old: the name is for its successor.
    if let Some(old) = read.runner_named(name).await? {
        drop(read);
        retire(shared, &console, &old).await?;
    }
    let token = Token::new("reg_").map_err(|error| Failure::new(error.to_string()))?;
    let create = CreateEnrollment { enrollment: EnrollmentId(new_id()), name: name.to_owned() };
    let proof = shared.store().authorize(&console, create).await?;
    let mut write = shared.store().write(&console).await?;
    write.create_enrollment(proof, token.hash).await?;
    write.commit().await?;
    Ok(Entry::Token(token.text))
}

/// No such runner is none.
fn none<T>(error: store::Error) -> store::Result<Option<T>> {
    if matches!(error, store::Error::NotFound) { Ok(None) } else { Err(error) }
}

async fn retire(shared: &Shared, console: &Actor, old: &Runner) -> Result<(), Failure> {
    let proof = shared.store().authorize(console, RevokeRunner { runner: old.id }).await?;
    let mut write = shared.store().write(console).await?;
    write.revoke_runner(proof).await?;
    Ok(write.commit().await?)
}

/// Who the runner in `folder` is, if it is anybody.
fn identity(folder: &Path) -> Option<RunnerId> {
    #[derive(Deserialize)]
    struct Kept {
        certificate: String,
    }
    let kept: Kept = serde_json::from_slice(&fs::read(folder.join("identity.json")).ok()?).ok()?;
    let certificate = CertificateDer::from_pem_slice(kept.certificate.as_bytes()).ok()?;
    Some(RunnerId(runner_identity(&certificate).ok()?.runner))
}

/// What the local runner of this node is called: nodes that share a database need names of their own.
fn name(shared: &Shared) -> String {
    if shared.store().is_embedded() {
        return "local".into();
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().to_ascii_lowercase();
    let host: String = host.chars().filter(|c| plain(*c)).take(40).collect();
    let place = digest(&shared.app.config.data_dir.canonicalize().unwrap_or_default().to_string_lossy());
    format!("local-{host}-{}", hex::encode(place.get(..3).unwrap_or_default()))
}

/// Where this machine itself reaches what listens on `address`.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(ip, address.port())
}
