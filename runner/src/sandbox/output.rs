//! Carries a task's output from its pipes to whoever reads it, no faster than it is read.

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use super::{Chunk, Stream};

/// Bytes read at once.
const PIECE: usize = 32 << 10;
/// Pieces that wait to be read; a task that writes on stands still in its `write`.
const WAITING: usize = 16;

/// Starts reading both pipes; each ends when the last process that could write is gone, or the receiver is dropped.
pub(super) fn pump(stdout: pipe::Receiver, stderr: pipe::Receiver) -> mpsc::Receiver<Chunk> {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(carry(stdout, Stream::Stdout, sender.clone()));
    tokio::spawn(carry(stderr, Stream::Stderr, sender));
    receiver
}

async fn carry(mut pipe: pipe::Receiver, stream: Stream, sender: mpsc::Sender<Chunk>) {
    let mut buffer = BytesMut::with_capacity(PIECE);
    loop {
        buffer.reserve(PIECE);
        match pipe.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        while !buffer.is_empty() {
            let bytes = buffer.split_to(buffer.len().min(PIECE)).freeze();
            if sender.send(Chunk { stream, bytes }).await.is_err() {
                return;
            }
        }
    }
}
