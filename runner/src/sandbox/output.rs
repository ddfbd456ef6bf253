//! Output pipes of a task, read only as fast as the consumer takes the chunks (backpressure).

use super::{Chunk, Stream};
use bytes::BytesMut;
use tokio::{io::AsyncReadExt, net::unix::pipe, sync::mpsc};

/// The size of one read in bytes.
const CHUNK_SIZE: usize = 32 << 10;
/// The maximum number of pending chunks; beyond that the task blocks in `write`.
const MAX_PENDING_CHUNKS: usize = 16;

/// Starts reading both pipes; each ends when the last writing process ends or the receiver is dropped.
pub(super) fn pump(stdout: pipe::Receiver, stderr: pipe::Receiver) -> mpsc::Receiver<Chunk> {
    let (sender, receiver) = mpsc::channel(MAX_PENDING_CHUNKS);
    tokio::spawn(carry(stdout, Stream::Stdout, sender.clone()));
    tokio::spawn(carry(stderr, Stream::Stderr, sender));
    receiver
}

async fn carry(mut pipe: pipe::Receiver, stream: Stream, sender: mpsc::Sender<Chunk>) {
    let mut buffer = BytesMut::with_capacity(CHUNK_SIZE);
    loop {
        buffer.reserve(CHUNK_SIZE);
        match pipe.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        while !buffer.is_empty() {
            let bytes = buffer.split_to(buffer.len().min(CHUNK_SIZE)).freeze();
            if sender.send(Chunk { stream, bytes }).await.is_err() {
                return;
            }
        }
    }
}
