//! The target `receipt` of `domain`: what it does and what must hold stands with the tests.
#![no_main]
#![allow(dead_code, reason = "the other targets of the same file")]

#[path = "../../crates/domain/tests/hostile/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::receipt(bytes));
