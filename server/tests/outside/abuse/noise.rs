//! Random bytes on both ports: every connection is closed and none crashes the server.
use super::{assert_memory_growth, assert_page_served, connect, port, raise_descriptor_limit, reset_peak_memory};
use crate::{
    people::start_with_member,
    program::Program,
    timeouts::with_timeout,
    torture::{SeededRng, scaled},
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};

/// Valid beginnings, so that some of the noise gets past the first byte.
const NOISE_PREFIXES: [&[u8]; 9] = [
    b"",
    b"GET / HTTP/1.1\r\n",
    b"POST /api/v1/tasks HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n",
    b"GET /sign-in HTTP/1.1\r\ncookie: castellan=",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0",
    b"\x16\x03\x01",
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    b"\x15\x03\x03\0\x02",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_bytes_on_either_port_are_rejected() {
    raise_descriptor_limit();
    let mut rng = SeededRng::of("noise");
    let mut program = Program::sqlite();
    program.use_fixed_ports();
    let mia = start_with_member(&mut program).await;
    let browser = program.sign_in(&mia.email).await;
    let ports = [port(&program), program.runner_port()];
    assert_page_served(&program, &browser).await;
    let (before, pid) = (reset_peak_memory(&program), program.pid());
    let mut streams = JoinSet::new();
    for number in 0..scaled(3_000, 20_000) {
        let prefix = NOISE_PREFIXES[usize::try_from(rng.below(9)).unwrap()];
        let length = rng.below(1_500);
        let noise: Vec<u8> = (0..length).map(|_| u8::try_from(rng.below(256)).unwrap()).collect();
        let bytes = [prefix, &noise].concat();
        streams.spawn(async move {
            let mut stream = connect(ports[number % 2], number).await.unwrap();
            // The server may close the connection before everything is sent.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            let mut message = vec![];
            let _ = with_timeout(Duration::from_secs(40), "it is closed", stream.read_to_end(&mut message)).await;
        });
        while streams.len() > 100 {
            streams.join_next().await.unwrap().unwrap();
        }
        if number % 1_000 == 0 {
            assert_page_served(&program, &browser).await;
        }
    }
    while let Some(ended) = streams.join_next().await {
        ended.unwrap();
    }
    assert!(program.is_running() && program.pid() == pid);
    assert!(!program.server_log().contains("panicked"), "{}", program.server_log());
    assert_page_served(&program, &browser).await;
    assert_memory_growth(&program, before, 100);
    // The runner still works.
    let task = program.submit(&mia.key, "echo still here").await;
    program.until_succeeded(&mia.key, &task).await;
}
