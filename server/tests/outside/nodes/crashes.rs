//! Crashes and shutdowns of one node under load: no acknowledged task is lost and none runs twice at once.
use super::Nodes;
use crate::{
    processes::{descendants, runner_of, until_ended},
    torture::{DuplicateRunDetector, Load, SeededRng, assert_no_leftovers, check_promises, scaled},
};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::sleep;

/// D-12.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_either_node_stops_and_restarts_under_load() {
    let mut rng = SeededRng::of("either node goes");
    let mut nodes = Nodes::begin().await;
    let loads = [&nodes.one, &nodes.two].map(|node| Load::begin(&node.origin, &nodes.adam.key));
    let detectors = loads.each_ref().map(|load| DuplicateRunDetector::begin(load.marker()));
    let mut runners = BTreeSet::new();
    for _ in 0..scaled(4, 60) {
        sleep(rng.moment(2_500)).await;
        let node = if rng.below(2) == 0 { &mut nodes.one } else { &mut nodes.two };
        runners.extend(runner_of(node.pid()));
        if rng.below(3) == 0 {
            node.stop(Duration::from_secs(15)).await;
        } else {
            let below = descendants(node.pid());
            node.kill();
            until_ended(&below, Duration::from_secs(5)).await;
        }
        sleep(rng.moment(1_500)).await;
        node.start().await;
    }
    let mut acknowledged_tasks = vec![];
    for load in loads {
        acknowledged_tasks.extend(load.end().await);
    }
    println!("{}", check_promises(&nodes.two, &nodes.adam.key, &acknowledged_tasks).await);
    detectors.into_iter().for_each(DuplicateRunDetector::end);
    for node in [&mut nodes.one, &mut nodes.two] {
        runners.extend(runner_of(node.pid()));
        node.stop(Duration::from_secs(15)).await;
        assert_no_leftovers(node, &runners).await;
    }
}
