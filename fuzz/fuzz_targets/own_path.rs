//! Fuzz target `own_path` of `server`; its properties are shared with the tests.
#![no_main]
#![allow(dead_code, reason = "the file has other targets")]

#[path = "../../server/tests/it/hostile/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::own_path(bytes));
