//! What a task can reach over the network (M-08).
use crate::{Invalid, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// The network that a task gets; the runner enforces it.
    NetworkPolicy, "network_policy", {
        /// No network at all.
        Isolated = "isolated" | "air_gapped",
        /// Only the named hosts.
        AllowList = "allow_list",
        /// Everything, through the audited proxy.
        Proxy = "proxy",
        /// No restriction.
        Unrestricted = "unrestricted" | "none",
    }
}

/// A policy and the hosts that it names. An empty list means no host (CVE-2025-66479).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The policy.
    pub policy: NetworkPolicy,
    /// Hosts for [`NetworkPolicy::AllowList`]; empty for the others.
    pub hosts: Vec<String>,
}

impl Network {
    /// A policy with its hosts. `allow_list` and `proxy` need the egress proxy, which no runner has yet: refused, never
    /// weakened to something else.
    pub fn new(policy: NetworkPolicy, hosts: Vec<String>) -> Result<Self, Invalid> {
        match policy {
            NetworkPolicy::AllowList | NetworkPolicy::Proxy => Err(Invalid::new(
                "network_policy",
                format!(
                    "{policy} cannot be enforced by this version; use isolated, or unrestricted for no restriction"
                ),
            )),
            NetworkPolicy::Isolated | NetworkPolicy::Unrestricted if !hosts.is_empty() => {
                Err(Invalid::new("allowed_hosts", format!("must be empty under {policy}")))
            }
            _ => Ok(Self { policy, hosts }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m_08_what_cannot_be_enforced_is_refused() {
        for policy in [NetworkPolicy::AllowList, NetworkPolicy::Proxy] {
            assert!(Network::new(policy, vec!["example.org".into()]).is_err());
        }
        assert!(Network::new(NetworkPolicy::Isolated, vec!["example.org".into()]).is_err());
        assert!(Network::new(NetworkPolicy::Isolated, vec![]).is_ok());
    }

    #[test]
    fn m_08_former_names_are_read_and_never_written() {
        for (former, name) in [("air_gapped", "isolated"), ("none", "unrestricted")] {
            let policy: NetworkPolicy = former.parse().unwrap();
            assert_eq!(policy.as_str(), name);
            let from_json: NetworkPolicy = serde_json::from_value(former.into()).unwrap();
            assert_eq!(serde_json::to_value(from_json).unwrap(), name);
        }
    }
}
