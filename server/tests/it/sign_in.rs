//! Sign-in, second factors and step-up authentication through pages and actions, with a controlled clock.
mod factors;
mod throttling;
mod loopback;
mod mail;
mod revocation_races;
mod passkeys;
mod step_up;
mod browser;
