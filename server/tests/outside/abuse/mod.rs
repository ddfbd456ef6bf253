//! Overload tests: connections, garbage, bodies, writers, watchers and a flooding tenant. Memory stays bounded and
//! other people are served.
mod bodies;
mod flood;
mod noise;
mod quotas;
mod slow;
mod watchers;
mod writers;

use crate::{client::Credential, people::Browser, program::Program};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::Instant,
};

/// The longest time that a page may take for other people, in a debug build on a busy machine.
const MAX_PAGE_LATENCY: Duration = Duration::from_secs(8);

/// Resets the kernel's peak memory counter and returns the server's resident memory in MiB.
fn reset_peak_memory(program: &Program) -> u64 {
    fs::write(format!("/proc/{}/clear_refs", program.pid()), "5").unwrap();
    memory(program, "VmRSS:")
}

/// Checks that resident memory never exceeded `before` by more than `by` MiB.
#[track_caller]
fn assert_memory_growth(program: &Program, before: u64, by: u64) {
    let (most, now) = (memory(program, "VmHWM:"), memory(program, "VmRSS:"));
    println!("{before} MiB before, {most} MiB at the most, {now} MiB after");
    assert!(most <= before + by, "{before} MiB before, {most} MiB at the peak");
}

fn memory(program: &Program, of: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(of)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
}

/// Checks that a page is served in time.
async fn assert_page_served(program: &Program, browser: &Browser) {
    let started = Instant::now();
    program.get(Credential::Browser(browser), "/tasks").await.is(200);
    assert!(started.elapsed() < MAX_PAGE_LATENCY, "a page took {:?}", started.elapsed());
}

/// Connects from one of 200 loopback addresses, because connections per address are limited.
async fn connect(port: u16, number: usize) -> std::io::Result<TcpStream> {
    connect_from(Ipv4Addr::new(127, 0, 1, u8::try_from(20 + number % 200).unwrap()), port).await
}

async fn connect_from(address: Ipv4Addr, port: u16) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((address, 0)))?;
    socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// Returns the port of the pages.
fn port(program: &Program) -> u16 {
    program.origin.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// Raises the limit of open files to the maximum.
fn raise_descriptor_limit() {
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, rustix::process::Rlimit { current: limits.maximum, maximum: limits.maximum }).unwrap();
}
