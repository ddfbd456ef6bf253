//! Evidence of decisions: whether the approver's passkey shows that they made it, or only the server says so.
use store::DecisionEvidence;

/// Returns the text of the evidence.
pub fn evidence_text(evidence: &DecisionEvidence) -> String {
    match evidence {
        DecisionEvidence::Server => t!("approval-confirmed-server"),
        DecisionEvidence::Passkey(name) => t!("approval-confirmed-passkey", name = name.clone()),
        DecisionEvidence::RemovedPasskey => t!("approval-confirmed-removed-passkey"),
        DecisionEvidence::Invalid => t!("approval-confirmed-invalid"),
    }
}
