//! Commands and starts as an operator meets them: output, wrong folders, lost keys, moves and refused databases.
mod commands;
mod databases;
mod diagnosis;
mod folders;
mod metrics;
mod moving;
mod output;

use std::process::Output;

/// Returns what a command that must fail printed to standard error.
fn failure(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && !text.contains("panicked"), "{output:?}");
    text
}
