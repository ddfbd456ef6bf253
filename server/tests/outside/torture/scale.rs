//! Scale of the fault injection: short in the normal test run, full on request.

/// Returns `full` under `cargo xtask torture`, and `short` otherwise.
pub fn scaled<T>(short: T, full: T) -> T {
    match std::env::var("CASTELLAN_TEST_TORTURE").as_deref() {
        Ok("full") => full,
        Ok("short") | Err(_) => short,
        Ok(other) => panic!("CASTELLAN_TEST_TORTURE is full or short, and not {other}"),
    }
}
