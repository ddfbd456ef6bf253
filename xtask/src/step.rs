//! Steps of a command: each prints one line with its duration, and its whole output when it fails.

use anyhow::{Context, Result, bail};
use std::{
    io::{BufRead, BufReader, IsTerminal, Read, Write},
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
    let mut step = Step::begin(label);
    let (reader, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let shown = format!("{command:?}");
    let mut child = command.spawn().with_context(|| format!("cannot run {shown}"))?;
    drop(command); // it holds the write end of the pipe, and reading would never end
    let output = step.follow(reader)?;
    let success = child.wait()?.success();
    let duration = step.started.elapsed();
    step.end(success);
    if !success {
        println!("\n$ {shown}\n{output}");
    }
    Ok(Outcome { success, output, duration })
}

/// Runs a build by cargo as a step that must succeed, and shows how many crates are done.
///
/// # Errors
/// Fails if cargo cannot be started, or the build fails.
pub fn build(label: &str, mut cargo: Command) -> Result<()> {
    // Cargo shows its progress only on a terminal, and here it writes to a pipe.
    cargo.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "100");
    run(label, cargo).map(drop)
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
    let step = Step::begin(label);
    let result = function();
    step.end(result.is_ok());
    result
}

/// How often a step that is not on a terminal prints its progress.
const INTERVAL: Duration = Duration::from_secs(20);

/// A running step.
struct Step<'a> {
    label: &'a str,
    started: Instant,
    on_terminal: bool,
    /// When the progress was printed in a line of its own, on something that is no terminal.
    printed: Option<Instant>,
}

impl<'a> Step<'a> {
    fn begin(label: &'a str) -> Self {
        print!("{label} …");
        flush();
        Self { label, started: Instant::now(), on_terminal: std::io::stdout().is_terminal(), printed: None }
    }

    fn end(self, success: bool) {
        let word = if success { "" } else { " failed after" };
        let start = match (self.on_terminal, self.printed) {
            (true, _) => format!("\r\x1b[2K{} …", self.label),
            (false, Some(_)) => format!("\n{} …", self.label),
            (false, None) => String::new(),
        };
        println!("{start}{word} {:.1} s", self.started.elapsed().as_secs_f32());
    }

    /// Collects the output, without cargo's progress, which it shows.
    fn follow(&mut self, reader: impl Read) -> Result<String> {
        let mut output = String::new();
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while let Some(end) = read_piece(&mut reader, &mut line)? {
            let text = String::from_utf8_lossy(&line);
            match crates_done(&text) {
                Some((done, all)) => self.show(&format!("{done} of {all} crates"), true),
                None => {
                    output.push_str(&text);
                    output.extend(end);
                    self.show(&text, false);
                }
            }
            line.clear();
        }
        Ok(output)
    }

    fn show(&mut self, text: &str, is_progress: bool) {
        let elapsed = self.started.elapsed().as_secs();
        if self.on_terminal {
            let text: String = text.trim().chars().filter(|c| !c.is_control()).take(60).collect();
            print!("\r\x1b[2K{} … {elapsed} s: {text}", self.label);
        } else if is_progress && self.printed.unwrap_or(self.started).elapsed() >= INTERVAL {
            print!("\n  {text} after {elapsed} s");
            self.printed = Some(Instant::now());
        } else {
            return;
        }
        flush();
    }
}

/// Reads up to a line feed or carriage return, which is returned; `None` at the end.
fn read_piece(reader: &mut impl BufRead, line: &mut Vec<u8>) -> Result<Option<Option<char>>> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok((!line.is_empty()).then_some(None));
        }
        let end = buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let (piece, used) = end.map_or((buffer, buffer.len()), |at| (&buffer[..at], at + 1));
        let terminator = end.map(|at| char::from(buffer[at]));
        line.extend_from_slice(piece);
        reader.consume(used);
        if terminator.is_some() {
            return Ok(Some(terminator));
        }
    }
}

/// Reads cargo's progress, for example `Building [===>   ] 123/456: serde`.
fn crates_done(text: &str) -> Option<(u32, u32)> {
    let (_, rest) = text.split_once("Building [")?.1.split_once("] ")?;
    let (done, all) = rest.split(':').next()?.trim().split_once('/')?;
    Some((done.parse().ok()?, all.trim().parse().ok()?))
}

fn flush() {
    // A closed terminal is no reason to stop.
    drop(std::io::stdout().flush());
}

#[cfg(test)]
mod tests {
    use super::{crates_done, read_piece};

    #[test]
    fn progress_is_distinguished_from_output() {
        assert_eq!(crates_done("    Building [=====>      ] 123/456: serde, tokio(build)"), Some((123, 456)));
        assert_eq!(crates_done("\u{1b}[K    Building [>  ] 0/7: a"), Some((0, 7)));
        for other in ["   Compiling serde v1.0.0", "Building [", "Building [=] x/y: z", "   Finished `dev` profile", ""]
        {
            assert_eq!(crates_done(other), None, "{other}");
        }
    }

    #[test]
    fn pieces_end_with_a_line_feed_a_carriage_return_or_the_end() {
        let (mut reader, mut pieces) = (&b"one\r\ntwo\rthree"[..], vec![]);
        let mut line = vec![];
        while let Some(end) = read_piece(&mut reader, &mut line).unwrap() {
            pieces.push((String::from_utf8(std::mem::take(&mut line)).unwrap(), end));
        }
        let expected = [("one", Some('\r')), ("", Some('\n')), ("two", Some('\r')), ("three", None)];
        assert_eq!(pieces, expected.map(|(text, end)| (text.to_owned(), end)));
    }
}
