//! Addresses that are found again after a restart.
use std::net::TcpListener;

/// Below what any system gives to connections that go out (Linux: from 32768): those of other tests would take it while
/// nobody listens there.
const FIXED_PORTS: std::ops::Range<u16> = 12_000..32_000;

/// A port of this machine where nobody listens, and where nobody will by chance.
pub fn reserve_port() -> u16 {
    loop {
        let mut rng = [0; 2];
        getrandom::fill(&mut rng).unwrap();
        let port = FIXED_PORTS.start + u16::from_ne_bytes(rng) % (FIXED_PORTS.end - FIXED_PORTS.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
