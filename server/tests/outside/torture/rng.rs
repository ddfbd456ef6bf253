//! Seeded random numbers; the seed is printed, and `cargo xtask torture --seed` sets it.
use std::time::Duration;
use uuid::Uuid;

/// A SplitMix64 generator, seeded by a number and the test's name.
pub struct SeededRng(u64);

impl SeededRng {
    pub fn of(case: &str) -> Self {
        let given = std::env::var("CASTELLAN_TEST_SEED").ok();
        let seed = given.map_or_else(|| Uuid::new_v4().as_u64_pair().0 >> 32, |seed| seed.parse().expect("a number"));
        println!("{case}: reproduce with cargo xtask torture --seed {seed}");
        let name = case.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        Self(seed ^ name)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Returns a duration of less than `most` milliseconds.
    pub fn moment(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.below(most * 1_000))
    }
}
