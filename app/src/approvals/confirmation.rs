//! Confirmation of decisions: whether the approver's passkey shows that they made it, or only the server says so.
use store::Confirmation;

/// Returns the text of a confirmation.
pub fn confirmation_text(confirmation: &Confirmation) -> String {
    match confirmation {
        Confirmation::Server => t!("approval-confirmed-server"),
        Confirmation::Passkey(name) => t!("approval-confirmed-passkey", name = name.clone()),
        Confirmation::RemovedPasskey => t!("approval-confirmed-removed-passkey"),
        Confirmation::Invalid => t!("approval-confirmed-invalid"),
    }
}
