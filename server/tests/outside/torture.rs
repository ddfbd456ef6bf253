//! Everything is killed at any moment, cut off, filled up, held fast and moved in time: nothing acknowledged is lost,
//! nothing runs twice at once, nothing is left behind (D-12, S-09). Among the tests it is short; `cargo xtask torture` takes
//! its time.
mod amount;
mod books;
mod chance;
mod clock;
mod cluster;
mod disk;
mod kills;
mod load;
mod lock;
mod postgres;
mod syncs;
mod twice;

use std::time::Duration;

use crate::{people::Person, processes::Process, program::Program};
pub use amount::amount;
pub use books::{balance, nothing_is_left};
pub use chance::Chance;
pub use load::Load;
pub use twice::Watch;

/// A deployment that works under a load while something is done to it.
pub struct Ordeal {
    adam: Person,
    load: Load,
    watch: Watch,
    /// Every runner that was seen, to look for what it left.
    runners: std::collections::BTreeSet<Process>,
}

impl Ordeal {
    /// Starts it, and begins to submit tasks and to watch them run.
    pub async fn begin(program: &mut Program) -> Self {
        program.stay_at_one_address();
        program.lift_rate_limits();
        program.tenant("acme");
        let adam = program.person("adam", "acme", "admin");
        program.start().await;
        let load = Load::begin(&program.origin, &adam.key);
        let watch = Watch::begin(load.mark());
        Self { adam, load, watch, runners: std::collections::BTreeSet::new() }
    }

    /// Notes the runner that is at work now.
    pub fn note(&mut self, runner: Option<Process>) {
        self.runners.extend(runner);
    }

    /// Lets what was begun end, and looks whether everything is as it was promised.
    pub async fn end(self, program: &mut Program) {
        let Self { adam, load, watch, mut runners } = self;
        let promises = load.end().await;
        let sum = balance(program, &adam.key, &promises).await;
        runners.extend(crate::processes::runner_of(program.pid()));
        watch.end();
        books::all_is_fetched(program).await;
        program.stop(Duration::from_secs(15)).await;
        books::nothing_is_left(program, &runners).await;
        println!("{sum}");
    }
}
