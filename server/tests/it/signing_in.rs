//! Signing in, second factors and fresh proofs, by the pages and their actions, with a clock that the stories move.
mod factors;
mod held_up;
mod loopback;
mod mail;
mod overtaken;
mod passkeys;
mod proofs;
mod window;
