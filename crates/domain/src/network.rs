//! Network policies of tasks (M-08).
use crate::{Invalid, string_enum::string_enum};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

string_enum! {
    /// The network access of a task; the runner enforces it.
    NetworkPolicy, "network_policy", {
        /// No network.
        Isolated = "isolated" | "air_gapped",
        /// Only the listed hosts.
        AllowList = "allow_list",
        /// All hosts, through the audited egress proxy.
        Proxy = "proxy",
        /// No restriction.
        Unrestricted = "unrestricted" | "none",
    }
}

/// A network policy with its hosts. An empty list allows no host (CVE-2025-66479).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub policy: NetworkPolicy,
    /// Only for [`NetworkPolicy::AllowList`].
    pub hosts: Vec<String>,
}

impl Network {
    /// Validates a policy with its hosts. `allow_list` and `proxy` need the egress proxy, which no runner has yet;
    /// they are an error instead of a weaker policy.
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
    fn m_08_a_policy_that_cannot_be_enforced_is_refused() {
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
