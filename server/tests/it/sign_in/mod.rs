//! Sign-in, second factors and step-up authentication through pages and actions, with a controlled clock.
mod browser;
mod factors;
mod loopback;
mod mail;
mod passkeys;
mod revocation_races;
mod several_tenants;
mod step_up;
mod throttling;
