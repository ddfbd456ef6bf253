//! The target `cookie` of `server`: what it does and what must hold stands with the tests.
#![no_main]
#![allow(dead_code, reason = "the other targets of the same file")]

#[path = "../../server/tests/it/hostile/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::cookie(bytes));
