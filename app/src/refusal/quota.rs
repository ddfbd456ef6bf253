//! Texts of exceeded quotas.
use store::{Limited, QuotaExceeded};

/// Returns the text of an exceeded quota for the person whose task was refused.
pub fn quota_text(quota: QuotaExceeded) -> String {
    match (quota.limited, quota.of_tenant) {
        (Limited::Tasks, false) => t!("quota-tasks-person", n = quota.limit),
        (Limited::Tasks, true) => t!("quota-tasks-tenant", n = quota.limit),
        (Limited::Bytes, false) => t!("quota-bytes-person", n = quota.limit >> 20),
        (Limited::Bytes, true) => t!("quota-bytes-tenant", n = quota.limit >> 20),
    }
}
