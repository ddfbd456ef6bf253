//! Access controls: rate limits, keys, addresses, certificates and secrets.
mod admin_addresses;
mod anomalies;
mod certificates;
mod api_keys;
mod rate_limits;
mod organizations;
mod proxy;
mod secrets;
