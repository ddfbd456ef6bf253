//! Addresses that are found again after a restart.
use std::net::TcpListener;

/// Below what any system gives to connections that go out (Linux: from 32768): those of other tests would take it while
/// nobody listens there.
const TO_STAY_AT: std::ops::Range<u16> = 12_000..32_000;

/// A port of this machine where nobody listens, and where nobody will by chance.
pub fn port_to_stay_at() -> u16 {
    loop {
        let mut chance = [0; 2];
        getrandom::fill(&mut chance).unwrap();
        let port = TO_STAY_AT.start + u16::from_ne_bytes(chance) % (TO_STAY_AT.end - TO_STAY_AT.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
