//! Sign-in, second factors and step-up authentication through pages and actions, with a controlled clock.
mod browser;
mod factors;
mod form_deduplication;
mod loopback;
mod mail;
mod passkeys;
mod revocation_races;
mod several_tenants;
mod step_up;
mod throttling;
