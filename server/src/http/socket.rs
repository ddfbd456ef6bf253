//! Socket wrapper: closes connections whose client does not read, and adds security headers to the HTTP library's own
//! error responses.

use super::activity::Activity;
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

/// Plain or TLS stream with a write timeout and security headers on early errors.
pub(super) struct Socket<S> {
    stream: S,
    activity: Arc<Activity>,
    /// Timeout for a client to read written bytes.
    write_timeout: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// Header lines for error responses.
    error_headers: Arc<[u8]>,
    error_response: Option<ErrorResponse>,
}

/// Error response of the HTTP library with our header lines inserted.
struct ErrorResponse {
    bytes: Vec<u8>,
    written: usize,
}

impl<S> Socket<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>, write_timeout: Duration, error_headers: Arc<[u8]>) -> Self {
        Self { stream, activity, write_timeout, timer: None, error_headers, error_response: None }
    }

    /// Returns the result of the stream, or a timeout if it has been pending for too long.
    fn with_timeout<T>(&mut self, poll: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.timer = None;
            return poll;
        }
        let write_timeout = self.write_timeout;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(write_timeout)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

/// Inserts header lines into `head` if it is a complete HTTP/1 error response (4xx) without a body.
fn with_headers(head: &[u8], lines: &[u8]) -> Option<Vec<u8>> {
    let is_error = head.starts_with(b"HTTP/1.") && head.get(8..10) == Some(b" 4");
    let blank_line = head.windows(4).position(|four| four == b"\r\n\r\n")?;
    if !is_error || blank_line + 4 != head.len() {
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
        if this.error_response.is_none() && this.activity.is_quiet() {
            this.error_response =
                with_headers(bytes, &this.error_headers).map(|bytes| ErrorResponse { bytes, written: 0 });
        }
        while let Some(response) = &mut this.error_response {
            let rest = response.bytes.get(response.written..).unwrap_or_default();
            if rest.is_empty() {
                this.error_response = None;
                return Poll::Ready(Ok(bytes.len()));
            }
            let poll = Pin::new(&mut this.stream).poll_write(context, rest);
            let written = ready!(this.with_timeout(poll, context))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if let Some(response) = &mut this.error_response {
                response.written += written;
            }
        }
        let poll = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.with_timeout(poll, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        ready!(self.with_timeout(poll, context))?;
        self.activity.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(context);
        self.with_timeout(poll, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_complete_error_response_without_a_body_gets_headers() {
        let out = with_headers(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", b"a: b\r\n");
        assert_eq!(out.as_deref(), Some(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\na: b\r\n\r\n".as_slice()));
        for other in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 400 Bad\r\n\r\nbody",
            "HTTP/1.1 4",
            "",
        ] {
            assert_eq!(with_headers(other.as_bytes(), b"a: b\r\n"), None, "{other}");
        }
    }
}
