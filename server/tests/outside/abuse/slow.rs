//! Thousands of slow clients (E14).
use super::{
    MAX_PAGE_LATENCY, assert_memory_growth, assert_page_served, connect, connect_from, port, raise_descriptor_limit,
    reset_peak_memory,
};
use crate::{
    client::{Credential, Response, client},
    people::{Browser, start_with_member},
    program::Program,
};
use std::{net::Ipv4Addr, time::Duration};
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

/// The default of `limits.connections`, and the number of addresses that can use all of them.
const MAX_CONNECTIONS: usize = 2_048;
const ADDRESSES: usize = 8;

/// Slow bodies on every connection that the limits allow: new connections take the place of the slowest, open streams
/// continue, and no body below the minimum rate lasts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k_07_slow_bodies_on_all_connections_lock_nobody_out() {
    raise_descriptor_limit();
    let mut program = Program::sqlite();
    let mia = start_with_member(&mut program).await;
    let browser = program.sign_in(&mia.email).await;
    let task = program.submit(&mia.key, "echo begun; sleep 6; echo ended").await;
    program.until_printed(&mia.key, &task, "begun").await;
    let mut stream = program.listen(Credential::Key(&mia.key), &format!("/api/v1/tasks/{task}/log?follow=1")).await;
    stream.data_of_next("line").await;

    let (port, mut slow) = (port(&program), tokio::task::JoinSet::new());
    let head = SLOW_REQUESTS[2].replace("HOST", &format!("127.0.0.1:{port}"));
    for number in 0..MAX_CONNECTIONS {
        let last = u8::try_from(1 + number % ADDRESSES).unwrap();
        let mut connection = connect_from(Ipv4Addr::new(127, 0, 0, last), port).await.unwrap();
        connection.write_all(head.as_bytes()).await.unwrap();
        slow.spawn(async move {
            let (began, mut buffer) = (Instant::now(), [0; 512]);
            loop {
                tokio::select! {
                    _answered_or_closed = connection.read(&mut buffer) => return began.elapsed(),
                    () = sleep(Duration::from_secs(8)) => if connection.write_all(b"a").await.is_err() { return began.elapsed() },
                }
            }
        });
    }
    sleep(Duration::from_secs(1)).await;
    // An address that takes part in the attack, and another one.
    for last in [1, 77] {
        let started = Instant::now();
        let new = client(last);
        Response::of(new.get(format!("{}/healthz", program.origin))).await.is(200);
        let page = client(last).get(format!("{}/tasks", program.origin)).header("cookie", browser.cookie_line());
        Response::of(page).await.is(200);
        assert!(started.elapsed() < MAX_PAGE_LATENCY, "127.0.0.{last} waited for {:?}", started.elapsed());
    }
    assert!(stream.data_of_next("line").await.contains("ended"), "an open stream continues");
    while let Some(closed) = slow.join_next().await {
        assert!(closed.unwrap() < HEADER, "a slow body was not cut off");
    }
    assert_page_served(&program, &browser).await;
}

/// A body that arrives slowly, but above the minimum rate, is accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k_07_a_body_above_the_minimum_rate_is_accepted() {
    let (program, _) = begin().await;
    let mut stream = connect(port(&program), 0).await.unwrap();
    let head = SLOW_REQUESTS[2].replace("HOST", &format!("127.0.0.1:{}", port(&program))).replace("5000", "15000");
    stream.write_all(head.replace("email=", "").as_bytes()).await.unwrap();
    let began = Instant::now();
    for _ in 0..15 {
        stream.write_all(&[b'a'; 1_000]).await.unwrap();
        sleep(Duration::from_secs(1)).await;
    }
    let mut buffer = vec![0; 4_096];
    let length = stream.read(&mut buffer).await.unwrap();
    let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
    assert!(began.elapsed() > Duration::from_secs(11), "longer than the grace period");
    assert!(answer.starts_with("HTTP/1.1 ") && !answer.contains(" 408 "), "{answer}");
}
