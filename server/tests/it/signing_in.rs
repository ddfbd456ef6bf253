//! Signing in, second factors and fresh proofs, by the pages and their actions, with a clock that the stories move.
mod factors;
mod mail;
mod proofs;
mod window;
