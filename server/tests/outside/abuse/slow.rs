//! Thousands of slow clients (E14).
use super::{assert_memory_growth, assert_page_served, connect, port, raise_descriptor_limit, reset_peak_memory};
use crate::{
    people::{Browser, start_with_member},
    program::Program,
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep},
};

/// Slightly fewer than the connection limit (`limits.connections`).
const SLOW_CONNECTIONS: usize = 2_000;

/// The header timeout of ten seconds, with a margin for a busy machine.
const HEADER: Duration = Duration::from_secs(25);

/// Connections that close sooner were rejected at accept.
const MIN_OPEN_TIME: Duration = Duration::from_secs(5);

/// Nothing, the beginning of a header, and the beginning of a body.
const SLOW_REQUESTS: [&str; 3] = [
    "",
    "GET /sign-in HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ",
    "POST /actions/login/sign-in HTTP/1.1\r\nhost: HOST\r\nsec-fetch-site: same-origin\r\n\
     content-type: application/x-www-form-urlencoded\r\ncontent-length: 5000\r\n\r\nemail=",
];

/// Starts a server with a signed-in member.
async fn begin() -> (Program, Browser) {
    raise_descriptor_limit();
    let mut program = Program::sqlite();
    let mia = start_with_member(&mut program).await;
    let browser = program.sign_in(&mia.email).await;
    assert_page_served(&program, &browser).await;
    (program, browser)
}

/// Incomplete bodies stay in memory, so anonymous bodies have a low size limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn incomplete_bodies_use_little_memory() {
    let (program, browser) = begin().await;
    let (before, port) = (reset_peak_memory(&program), port(&program));
    let host = format!("127.0.0.1:{port}");
    let mut held = vec![];
    for number in 0..500 {
        let mut stream = connect(port, number).await.unwrap();
        let head = SLOW_REQUESTS[2].replace("HOST", &host).replace("5000", "1000000");
        let _ = stream.write_all(head.as_bytes()).await;
        // The server stops reading an oversized body, which blocks the write.
        let _ = tokio::time::timeout(Duration::from_millis(200), stream.write_all(&vec![b'a'; 999_000])).await;
        held.push(stream);
    }
    assert_page_served(&program, &browser).await;
    assert_memory_growth(&program, before, 150);
}

/// Connections without a complete request are closed, slow bodies use little memory, and other people are served
/// meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_e14_two_thousand_slow_connections_do_not_block_others() {
    let (program, browser) = begin().await;
    let (before, port) = (reset_peak_memory(&program), port(&program));
    let mut slow = tokio::task::JoinSet::new();
    for number in 0..SLOW_CONNECTIONS {
        let shape = SLOW_REQUESTS[number % 3].replace("HOST", &format!("127.0.0.1:{port}"));
        let mut stream = connect(port, number).await.unwrap();
        stream.write_all(shape.as_bytes()).await.unwrap();
        slow.spawn(async move {
            let began = Instant::now();
            let mut buffer = [0; 512];
            // Sends a byte every 1.5 seconds, except for the silent connections.
            while began.elapsed() < HEADER {
                tokio::select! {
                    read = stream.read(&mut buffer) => if !matches!(read, Ok(1..)) { return (number % 3, Some(began.elapsed())) },
                    () = sleep(Duration::from_millis(1_500)) => {
                        if number % 3 > 0 && stream.write_all(b"a").await.is_err() {
                            return (number % 3, Some(began.elapsed()));
                        }
                    }
                }
            }
            (number % 3, None)
        });
    }
    assert_memory_growth(&program, before, 150);
    for _ in 0..10 {
        assert_page_served(&program, &browser).await;
        sleep(Duration::from_millis(500)).await;
    }
    let mut open = [0; 3];
    while let Some(ended) = slow.join_next().await {
        let (shape, closed): (usize, Option<Duration>) = ended.unwrap();
        assert!(shape == 2 || closed.is_none_or(|after| after > MIN_OPEN_TIME), "rejected at accept");
        open[shape] += usize::from(closed.is_none());
    }
    assert_eq!(open[..2], [0, 0], "connections without a request were not closed");
    assert_page_served(&program, &browser).await;
    assert_memory_growth(&program, before, 150);
}
