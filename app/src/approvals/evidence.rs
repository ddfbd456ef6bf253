//! Evidence of decisions: whether the approver's passkey shows that they made it, or only the server says so.
use store::DecisionEvidence;

/// Returns the text of the evidence.
pub fn evidence_text(evidence: &DecisionEvidence) -> String {
    match evidence {
        DecisionEvidence::Server => t!("approval-evidence-server"),
        DecisionEvidence::Passkey(name) => t!("approval-evidence-passkey", name = name.clone()),
        DecisionEvidence::RemovedPasskey => t!("approval-evidence-removed-passkey"),
        DecisionEvidence::Invalid => t!("approval-evidence-invalid"),
    }
}
