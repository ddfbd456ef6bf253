//! Record format of a spool: length, time, stream, text.

use domain::{
    Timestamp,
    log::{Line, MAX_LINE, Stream},
};

/// The size of the header: length (4 bytes), time (8) and stream (1, with [`CONTINUED`]), big-endian.
pub(super) const HEAD: usize = 13;

/// Added to the stream of a line that continues the one before it.
const CONTINUED: u8 = 0x80;

/// Appends `line` to `bytes`.
pub(super) fn write(line: &Line, bytes: &mut Vec<u8>) {
    let stream = match line.stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
        Stream::Runner => 3,
    };
    bytes.extend(u32::try_from(line.text.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend(line.at.0.to_be_bytes());
    bytes.push(if line.continued { stream | CONTINUED } else { stream });
    bytes.extend(line.text.as_bytes());
}

/// Returns the length of the record at the start of `bytes`; `None` if it is incomplete or invalid.
fn length(bytes: &[u8]) -> Option<usize> {
    let text = usize::try_from(u32::from_be_bytes(*bytes.first_chunk()?)).ok()?;
    (text <= MAX_LINE && bytes.len() >= HEAD + text).then_some(HEAD + text)
}

/// Parses the record at the start of `bytes`; `None` if it is incomplete or invalid.
pub(super) fn read(bytes: &[u8]) -> Option<(Line, &[u8])> {
    let (record, rest) = bytes.split_at_checked(length(bytes)?)?;
    let at = Timestamp(i64::from_be_bytes(*record.get(4..)?.first_chunk()?));
    let stream = *record.get(12)?;
    let continued = stream & CONTINUED != 0;
    let stream = match stream & !CONTINUED {
        1 => Stream::Stdout,
        2 => Stream::Stderr,
        3 => Stream::Runner,
        _ => return None,
    };
    let text = std::str::from_utf8(record.get(HEAD..)?).ok()?.to_owned();
    Some((Line { at, stream, text, continued }, rest))
}
