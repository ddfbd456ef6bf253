//! Network access of sandboxed tasks.

use super::*;
use std::{
    net::TcpListener,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener},
    },
};

#[tokio::test]
async fn an_isolated_task_has_only_a_loopback_interface() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '; (echo > /dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo reached; cat /etc/resolv.conf 2>/dev/null; cat /proc/net/route | wc -l"
    );
    assert_eq!(output_of(bash(&script)).await, "lo\n1");
}

#[tokio::test]
async fn an_unrestricted_task_has_the_machines_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut job = bash(&format!(
        "(echo > /dev/tcp/127.0.0.1/{port}) && echo reached; [ -r /etc/resolv.conf ] && echo names; touch /etc/resolv.conf /etc/ssl/certs/x 2>/dev/null && echo wrote; true"
    ));
    job.network = Network::None;
    let names = if Path::new("/etc/resolv.conf").exists() { "reached\nnames" } else { "reached" };
    assert_eq!(output_of(job).await, names);
}

#[tokio::test]
async fn the_machines_abstract_sockets_are_unreachable_under_either_policy() {
    let name = format!("castellan-test-{}", std::process::id());
    let _listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    for network in [Network::Isolated, Network::None] {
        let mut job = python(&format!(
            "import socket\ntry:\n  s = socket.socket(socket.AF_UNIX); s.connect('\\0{name}'); print('reached')\nexcept OSError as error: print(error.errno in (1, 111))"
        ));
        job.network = network;
        assert_eq!(output_of(job).await, "True", "{network:?}");
    }
}
