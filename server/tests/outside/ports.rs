//! Fixed ports for servers that restart.
use std::net::TcpListener;

/// Below the ephemeral port range (Linux: from 32768), so that no outgoing connection takes the port while the server
/// is down.
const FIXED_PORTS: std::ops::Range<u16> = 12_000..32_000;

/// Returns a free port.
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
