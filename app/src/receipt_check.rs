//! Whether a runner's receipt holds: signatures are the server's affair, pages only say what it found.
use std::fmt;
use store::Task;

/// Verifies the receipt of a task: its signature by the runner's key, and that it is of this task and request. `None` where
/// there is no receipt. In the context of every page.
#[derive(Clone)]
pub struct ReceiptCheck(pub fn(&Task) -> Option<bool>);

impl fmt::Debug for ReceiptCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiptCheck")
    }
}
