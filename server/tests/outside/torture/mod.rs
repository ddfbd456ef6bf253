//! Fault injection (D-12, S-09): crashes, network cuts, full disks, locks and clock jumps. No acknowledged task is
//! lost, none runs twice at once, nothing is left behind. The normal test run is short; `cargo xtask torture` runs
//! longer.
mod clock;
pub(crate) mod cluster;
mod disk;
mod duplicate_runs;
mod fsync;
mod invariants;
mod kills;
mod load;
mod lock;
mod postgres;
mod rng;
mod scale;

use crate::{people::Person, processes::Process, program::Program};
use std::time::Duration;
use testkit::ADAM;

pub use duplicate_runs::DuplicateRunDetector;
pub use invariants::{assert_no_leftovers, check_promises};
pub use load::Load;
pub use rng::SeededRng;
pub use scale::scaled;

/// A deployment under load while faults are injected.
pub struct FaultTest {
    adam: Person,
    load: Load,
    detector: DuplicateRunDetector,
    /// Every runner process that was seen, to check for leftovers.
    runners: std::collections::BTreeSet<Process>,
}

impl FaultTest {
    /// Starts the deployment, the load and the duplicate detector.
    pub async fn begin(program: &mut Program) -> Self {
        program.use_fixed_ports();
        program.lift_rate_limits();
        program.tenant("acme");
        let adam = program.person(ADAM, "acme");
        program.start().await;
        let load = Load::begin(&program.origin, &adam.key);
        let detector = DuplicateRunDetector::begin(load.marker());
        Self { adam, load, detector, runners: std::collections::BTreeSet::new() }
    }

    /// Records a runner process.
    pub fn note(&mut self, runner: Option<Process>) {
        self.runners.extend(runner);
    }

    /// Ends the load and checks all invariants.
    pub async fn end(self, program: &mut Program) {
        let Self { adam, load, detector, mut runners } = self;
        let acknowledged_tasks = load.end().await;
        let sum = check_promises(program, &adam.key, &acknowledged_tasks).await;
        runners.extend(crate::processes::runner_of(program.pid()));
        detector.end();
        invariants::wait_for_empty_spools(program).await;
        program.stop(Duration::from_secs(15)).await;
        invariants::assert_no_leftovers(program, &runners).await;
        println!("{sum}");
    }
}
