//! Fuzz target `assertion` of `domain`; its properties are shared with the tests.
#![no_main]
#![allow(dead_code, reason = "the file has other targets")]

#[path = "../../crates/domain/tests/hostile/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::assertion(bytes));
