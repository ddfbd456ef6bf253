//! Receipt verification, which the server implements; pages only show the result.
use std::fmt;
use store::Task;

/// Verifies the receipt of a task: the runner's signature, and that it belongs to this task and request. `None` without a
/// receipt. In the context of every page.
#[derive(Clone)]
pub struct ReceiptCheck(pub fn(&Task) -> Option<bool>);

impl fmt::Debug for ReceiptCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiptCheck")
    }
}
