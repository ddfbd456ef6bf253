//! Conversion of a verified request into a sandbox job, with nothing added or left out.

use super::Verified;
use crate::sandbox::{Job, Limits, Network};
use domain::{Invalid, network::NetworkPolicy};
use std::time::Duration;

/// Returns the job of a verified request.
///
/// # Errors
/// Fails if the network policy cannot be enforced here.
pub fn job(verified: &Verified) -> Result<Job, Invalid> {
    let request = verified.request();
    let network = match request.network.policy {
        NetworkPolicy::Isolated => Network::Isolated,
        NetworkPolicy::Unrestricted => Network::None,
        policy @ (NetworkPolicy::AllowList | NetworkPolicy::Proxy) => {
            return Err(Invalid::new("network_policy", format!("{policy} cannot be enforced by this runner")));
        }
    };
    let limits = request.limits;
    let attempt = verified.attempt();
    Ok(Job {
        id: format!("{}-{}", attempt.task, attempt.number),
        argv: request.argv.clone(),
        script: verified.script().to_vec(),
        network,
        limits: Limits {
            wall: Duration::from_secs(limits.timeout_seconds.into()),
            memory_bytes: u64::from(limits.memory_mib) << 20,
            cpu_millis: limits.cpu_millis,
            processes: limits.processes,
            disk_bytes: u64::from(limits.disk_mib) << 20,
        },
        environment: request.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
    })
}
