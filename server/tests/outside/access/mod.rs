//! Access controls: rate limits, keys, addresses, certificates and secrets.
mod admin_addresses;
mod anomalies;
mod api_document;
mod api_keys;
pub mod certificates;
mod organizations;
mod proxy;
mod rate_limits;
mod secrets;
