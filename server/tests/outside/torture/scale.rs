//! How much of it: a little among the tests, a lot for people who wait.

/// `full` under `cargo xtask torture`, `short` otherwise.
pub fn scaled<T>(short: T, full: T) -> T {
    match std::env::var("CASTELLAN_TEST_TORTURE").as_deref() {
        Ok("full") => full,
        Ok("short") | Err(_) => short,
        Ok(other) => panic!("CASTELLAN_TEST_TORTURE is full or short, and not {other}"),
    }
}
