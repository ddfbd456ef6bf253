//! Signing in, second factors and fresh proofs, by the pages and their actions, with a clock that the stories move.
mod factors;
mod throttling;
mod loopback;
mod mail;
mod revocation_races;
mod passkeys;
mod step_up;
mod browser;
