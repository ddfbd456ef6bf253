//! Receipt verification: the runner's signature, and the match with task and request.
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA384, UnparsedPublicKey, VerificationAlgorithm,
};
use domain::receipt::Receipt;
use store::Task;

/// Verifies `signature` over `receipt` with the key in `spki` (SubjectPublicKeyInfo): ECDSA P-384, or RSA with SHA-384.
pub fn verifies(receipt: &Receipt, signature: &[u8], spki: &[u8]) -> bool {
    let bytes = receipt.signed_bytes();
    let algorithms: [&'static dyn VerificationAlgorithm; 2] = [&ECDSA_P384_SHA384_ASN1, &RSA_PKCS1_2048_8192_SHA384];
    algorithms.into_iter().any(|by| UnparsedPublicKey::new(by, spki).verify(&bytes, signature).is_ok())
}

/// Verifies the receipt of a task; returns `None` if it has none.
pub fn check(task: &Task) -> Option<bool> {
    let receipt = task.read_receipt()?;
    let (signature, key) = (task.receipt_signature.as_deref()?, task.runner_key.as_deref()?);
    let matches = (receipt.task, receipt.attempt, receipt.request, Some(receipt.runner))
        == (task.id, task.attempt, task.request_digest, task.runner_id);
    Some(matches && verifies(&receipt, signature, key))
}
