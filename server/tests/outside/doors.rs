//! Who comes in by which door, how often, and with what: limits, keys, addresses, certificates, secrets.
mod addresses;
mod anomalies;
mod certificates;
mod keys;
mod limits;
mod organizations;
mod proxy;
mod secrets;
