//! Steps of a command: each prints one line with its duration, and its whole output when it fails.

use anyhow::{Context, Result, bail};
use std::{
    io::{BufRead, BufReader, IsTerminal, Write},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Result of a command.
pub struct Outcome {
    pub success: bool,
    /// Standard output and standard error, interleaved as they were written.
    pub output: String,
    pub duration: Duration,
}

/// Runs a command as a step; its output is shown only when it fails.
///
/// # Errors
/// Fails if the command cannot be started. A command that fails is an [`Outcome`], not an error.
pub fn attempt(label: &str, mut command: Command) -> Result<Outcome> {
    let started = begin(label);
    let (reader, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let shown = format!("{command:?}");
    let mut child = command.spawn().with_context(|| format!("cannot run {shown}"))?;
    drop(command); // it holds the write end of the pipe, and reading would never end
    let output = follow(label, reader)?;
    let success = child.wait()?.success();
    let duration = started.elapsed();
    end(label, duration, success);
    if !success {
        println!("\n$ {shown}\n{output}");
    }
    Ok(Outcome { success, output, duration })
}

/// Runs a command that must succeed, as a step, and returns its output.
///
/// # Errors
/// Fails if the command cannot be started or fails.
pub fn run(label: &str, command: Command) -> Result<String> {
    let outcome = attempt(label, command)?;
    if !outcome.success {
        bail!("{} failed; its output is above", label.to_lowercase());
    }
    Ok(outcome.output)
}

/// Runs a function as a step.
///
/// # Errors
/// Fails like the function.
pub fn run_fn<T>(label: &str, function: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = begin(label);
    let result = function();
    end(label, started.elapsed(), result.is_ok());
    result
}

fn begin(label: &str) -> Instant {
    print!("{label} …");
    flush();
    Instant::now()
}

fn end(label: &str, duration: Duration, success: bool) {
    let word = if success { "" } else { " failed after" };
    let start = if on_terminal() { format!("\r\x1b[2K{label} …") } else { String::new() };
    println!("{start}{word} {:.1} s", duration.as_secs_f32());
}

/// Collects the output; on a terminal the line of the step shows its last line.
fn follow(label: &str, reader: impl std::io::Read) -> Result<String> {
    let mut output = String::new();
    let mut lines = BufReader::new(reader);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        output.push_str(&text);
        if on_terminal() {
            let last: String = text.trim().chars().filter(|c| !c.is_control()).take(60).collect();
            print!("\r\x1b[2K{label} … {last}");
            flush();
        }
        line.clear();
    }
    Ok(output)
}

fn on_terminal() -> bool {
    std::io::stdout().is_terminal()
}

fn flush() {
    // A closed terminal is no reason to stop.
    drop(std::io::stdout().flush());
}
