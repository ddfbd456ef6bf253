//! One attempt by itself, without a server: what it is told before it starts.

use std::sync::{Arc, Mutex};

use domain::receipt::{End, Receipt};
use runner::{
    clock,
    folder::Folder,
    identity::{GrantKey, RunnerKey},
    sandbox::{Bubblewrap, Config},
    spool::{Shelf, Spool},
    work::{Event, Me, Order, Performance, verify},
};
use tokio::sync::{Semaphore, mpsc, watch};

use crate::site::{RUNNER, Site, TENANT};

/// An attempt about to start, with all that others have of it.
struct Begun {
    performance: Performance<Bubblewrap>,
    spool: Arc<Mutex<Spool>>,
    orders: watch::Sender<Order>,
    events: mpsc::Receiver<Event>,
}

async fn begun(site: &Site, script: &str) -> Begun {
    let folder = Folder::open(&site.folder()).unwrap();
    let (mut shelf, _) = Shelf::open(&folder).unwrap();
    let me = Me { runner: RUNNER, tenant: TENANT, grant_key: GrantKey(site.grant_key()) };
    let verified = verify(&site.assignment(7, 1, script), &me, clock::now()).unwrap();
    let spool = Arc::new(Mutex::new(shelf.begin(verified.attempt()).unwrap().unwrap()));
    let (orders, told) = watch::channel(Order::Run);
    let (teller, events) = mpsc::channel(1);
    let performance = Performance {
        executor: Arc::new(Bubblewrap::new(&Config::default()).await),
        verified,
        me,
        key: Arc::new(RunnerKey::open(&folder).unwrap().unwrap()),
        spool: Arc::clone(&spool),
        orders: told,
        events: teller,
        slot: Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap(),
    };
    Begun { performance, spool, orders, events }
}

/// Whether it started, and how it ended, if it says so.
async fn outcome(mut events: mpsc::Receiver<Event>) -> (bool, Option<Receipt>) {
    let (mut started, mut receipt) = (false, None);
    while let Some(event) = events.recv().await {
        match event {
            Event::Started(..) => started = true,
            Event::Printed(_) => {}
            Event::Ended(_, signed) => receipt = Some(Receipt::read(signed.receipt.as_bytes()).unwrap()),
        }
    }
    (started, receipt)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_before_its_start_says_so_and_is_not_started() {
    for (order, end, lines) in [(Order::Run, End::Exited(0), 1), (Order::Cancel, End::Cancelled, 0)] {
        let site = Site::open().await;
        let Begun { performance, spool, orders, events } = begun(&site, "echo here").await;
        orders.send_replace(order);
        tokio::spawn(performance.run());
        let (started, receipt) = outcome(events).await;
        let receipt = receipt.unwrap();
        assert_eq!((receipt.end, receipt.output_lines), (end, lines));
        assert_eq!((started, spool.lock().unwrap().next_line()), (order == Order::Run, lines + 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_before_its_start_is_not_started_and_says_nothing() {
    let site = Site::open().await;
    let Begun { performance, orders, events, .. } = begun(&site, "echo here").await;
    orders.send_replace(Order::Kill);
    tokio::spawn(performance.run());
    assert_eq!(outcome(events).await, (false, None));
    assert!(site.is_empty("spool"));
}
