//! Either node is killed, or stopped in good order, while both work: nothing acknowledged is lost, nothing runs twice at
//! once.
use std::{collections::BTreeSet, time::Duration};

use tokio::time::sleep;

use super::Nodes;
use crate::{
    processes::{descendants, runner_of, until_gone},
    torture::{Chance, Load, Watch, amount, balance, nothing_is_left},
};

/// D-12.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_12_either_node_goes_and_comes_back_while_work_goes_on() {
    let mut chance = Chance::of("either node goes");
    let mut nodes = Nodes::begin().await;
    let loads = [&nodes.one, &nodes.two].map(|node| Load::begin(&node.origin, &nodes.adam.key));
    let watches = loads.each_ref().map(|load| Watch::begin(load.mark()));
    let mut runners = BTreeSet::new();
    for _ in 0..amount(4, 60) {
        sleep(chance.moment(2_500)).await;
        let node = if chance.below(2) == 0 { &mut nodes.one } else { &mut nodes.two };
        runners.extend(runner_of(node.pid()));
        if chance.below(3) == 0 {
            node.stop(Duration::from_secs(15)).await;
        } else {
            let below = descendants(node.pid());
            node.kill();
            until_gone(&below, Duration::from_secs(5)).await;
        }
        sleep(chance.moment(1_500)).await;
        node.start().await;
    }
    let mut promises = vec![];
    for load in loads {
        promises.extend(load.end().await);
    }
    println!("{}", balance(&nodes.two, &nodes.adam.key, &promises).await);
    watches.into_iter().for_each(Watch::end);
    for node in [&mut nodes.one, &mut nodes.two] {
        runners.extend(runner_of(node.pid()));
        node.stop(Duration::from_secs(15)).await;
        nothing_is_left(node, &runners).await;
    }
}
