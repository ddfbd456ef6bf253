//! The bytes of one connection: a client that does not read is cut, and the refusals that the HTTP
//! library writes by itself get their headers.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

use super::activity::Activity;

/// A plain or a TLS stream with our own rules on writing.
pub(super) struct Socket<S> {
    stream: S,
    activity: Arc<Activity>,
    /// How long a client may leave written bytes unread.
    stall: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// Header lines for refusals.
    lines: Arc<[u8]>,
    refusal: Option<Refusal>,
}

/// An answer of the HTTP library to what is no request, with our header lines put in.
struct Refusal {
    bytes: Vec<u8>,
    written: usize,
}

impl<S> Socket<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>, stall: Duration, lines: Arc<[u8]>) -> Self {
        Self { stream, activity, stall, timer: None, lines, refusal: None }
    }

    /// Passes on what the stream says, or a time-out when it has been pending for too long.
    fn watch<T>(&mut self, poll: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.timer = None;
            return poll;
        }
        let stall = self.stall;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

/// Puts our lines into `head` if it is a whole HTTP/1 answer that refuses (4xx) and has no body.
fn with_lines(head: &[u8], lines: &[u8]) -> Option<Vec<u8>> {
    let is_refusal = head.starts_with(b"HTTP/1.") && head.get(8..10) == Some(b" 4");
    let blank_line = head.windows(4).position(|four| four == b"\r\n\r\n")?;
    if !is_refusal || blank_line + 4 != head.len() {
        return None;
    }
    let (start, end) = head.split_at_checked(blank_line + 2)?;
    Some([start, lines, end].concat())
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.refusal.is_none() && this.activity.is_quiet() {
            this.refusal = with_lines(bytes, &this.lines).map(|bytes| Refusal { bytes, written: 0 });
        }
        while let Some(refusal) = &mut this.refusal {
            let rest = refusal.bytes.get(refusal.written..).unwrap_or_default();
            if rest.is_empty() {
                this.refusal = None;
                return Poll::Ready(Ok(bytes.len()));
            }
            let poll = Pin::new(&mut this.stream).poll_write(context, rest);
            let written = ready!(this.watch(poll, context))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if let Some(refusal) = &mut this.refusal {
                refusal.written += written;
            }
        }
        let poll = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.watch(poll, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        ready!(self.watch(poll, context))?;
        self.activity.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch(poll, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_refusal_without_a_body_gets_lines() {
        let out = with_lines(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", b"a: b\r\n");
        assert_eq!(out.as_deref(), Some(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\na: b\r\n\r\n".as_slice()));
        for other in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 400 Bad\r\n\r\nbody",
            "HTTP/1.1 4",
            "",
        ] {
            assert_eq!(with_lines(other.as_bytes(), b"a: b\r\n"), None, "{other}");
        }
    }
}
