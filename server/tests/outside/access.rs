//! Who comes in by which door, how often, and with what: limits, keys, addresses, certificates, secrets.
mod admin_addresses;
mod anomalies;
mod certificates;
mod api_keys;
mod rate_limits;
mod organizations;
mod proxy;
mod secrets;
