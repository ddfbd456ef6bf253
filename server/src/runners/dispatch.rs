//! Hands out what waits: as soon as something is queued or a slot is free, and never by asking again and again.

use std::{cmp::Reverse, collections::HashSet, time::Duration};

use domain::{Actor, RunnerId, TenantId, grant::Grant, task::TaskState};
use store::{Assignment, Event, TaskFilter, Topic};
use tokio::{
    sync::broadcast::error::{RecvError, TryRecvError},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use wire::v1::{self, server_message::Kind};

use super::{Shared, registry::Connection, words};

/// After a failure of the database, and while a runner rests.
const AGAIN: Duration = Duration::from_secs(1);

/// What is to be looked at.
#[derive(Debug, Default)]
struct Agenda {
    tenants: HashSet<TenantId>,
    /// Events were missed: everything.
    all: bool,
}

impl Agenda {
    fn add(&mut self, event: Event) {
        match event.topic {
            Topic::Tasks | Topic::Runners => {
                self.tenants.insert(event.tenant);
            }
            Topic::Missed => self.all = true,
            Topic::Log | Topic::Approvals | Topic::People | Topic::Keys | Topic::Rules => {}
        }
    }
}

/// Hands out tasks until `stop`.
pub(super) async fn run(shared: &Shared, stop: &CancellationToken) {
    let mut events = shared.store().subscribe();
    let mut agenda = Agenda::default();
    loop {
        let again = !agenda.tenants.is_empty();
        tokio::select! {
            () = stop.cancelled() => return,
            () = shared.registry.changed.notified() => agenda.all = true,
            () = sleep(AGAIN), if again => {}
            event = events.recv() => match event {
                Ok(event) => agenda.add(event),
                Err(RecvError::Lagged(_)) => agenda.all = true,
                Err(RecvError::Closed) => return,
            },
        }
        // What came meanwhile is done in one go.
        loop {
            match events.try_recv() {
                Ok(event) => agenda.add(event),
                Err(TryRecvError::Lagged(_)) => agenda.all = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let here = shared.registry.tenants();
        let due = std::mem::take(&mut agenda);
        for tenant in here.into_iter().filter(|tenant| due.all || due.tenants.contains(tenant)) {
            match serve(shared, tenant).await {
                Ok(Done::All) => continue,
                Ok(Done::ForNow) => {}
                Err(error) => tracing::error!(%error, %tenant, "tasks could not be handed out; trying again"),
            }
            agenda.tenants.insert(tenant);
        }
    }
}

/// How far a tenant was served.
enum Done {
    All,
    /// Something waits for a runner that rests.
    ForNow,
}

/// Does for one tenant what can be done now.
async fn serve(shared: &Shared, tenant: TenantId) -> store::Result<Done> {
    let mut free = Vec::new();
    for connection in shared.registry.of(tenant) {
        let mut read = shared.store().read(&connection.actor).await?;
        if read.runner(connection.runner).await?.revoked_at.is_some() {
            let reject = v1::Reject { reason: "this runner was revoked".into() };
            let _ = connection.to.try_send(Ok(words::say(Kind::Reject(reject)))); // it may be gone
            connection.end.cancel();
            continue;
        }
        let held = read.held().await?;
        for task in held.iter().filter(|task| task.cancel_asked) {
            if shared.registry.is_first_cancel(connection.runner, task.lease()) {
                send(&connection, Kind::Cancel(v1::Cancel { attempt: words::attempt(task.lease()) }));
            }
        }
        free.push((connection.slots.saturating_sub(held.len()), connection));
    }
    // A runner whose sandbox does not work gets a task only where no other is there: it answers with cause and fix.
    let fit = free.iter().any(|(_, connection)| connection.fit);
    free.retain(|(slots, connection)| *slots > 0 && (connection.fit || !fit));
    let before = free.len();
    free.retain(|(_, connection)| !connection.rests());
    let some_rest = free.len() < before;
    if (free.is_empty() && !some_rest) || !is_waiting(shared, tenant).await? {
        return Ok(Done::All);
    }
    loop {
        free.sort_by_key(|(slots, _)| Reverse(*slots));
        // Runners take turns until they are as busy as each other; what one takes in its turn is one commit.
        let next = free.get(1).map_or(0, |(slots, _)| *slots);
        let Some((slots, connection)) = free.first_mut() else {
            return Ok(if some_rest { Done::ForNow } else { Done::All });
        };
        // No more than half of what can wait to be sent to it: when it says that they started, we are here again.
        let most = (*slots - next.min(*slots)).max(1).min(connection.to.capacity() / 2);
        let taken = if most == 0 { 0 } else { claim(shared, connection, most).await? };
        *slots = if taken < most.max(1) { 0 } else { *slots - taken }; // fewer: nothing more that this one can run
        free.retain(|(slots, _)| *slots > 0);
    }
}

/// Claims so many tasks at most for one runner, and hands them out when that is on the disk; how many there were.
async fn claim(shared: &Shared, connection: &Connection, most: usize) -> store::Result<usize> {
    let mut write = shared.store().write(&connection.actor).await?;
    let claimed = write.claim_tasks(&connection.capabilities, most).await?;
    write.commit().await?; // also where none was: what nobody stands behind has ended
    let taken = claimed.len();
    for assignment in claimed {
        send(connection, assign(shared, connection.runner, connection.actor.tenant, assignment));
    }
    Ok(taken)
}

/// A look before the leap: claiming takes the database's one writer.
async fn is_waiting(shared: &Shared, tenant: TenantId) -> store::Result<bool> {
    let filter = TaskFilter { states: vec![TaskState::Queued], ..TaskFilter::default() };
    let mut read = shared.store().read(&Actor::console(tenant, shared.store().now())).await?;
    Ok(!read.tasks(&filter, None, 1).await?.items.is_empty())
}

/// The task with its grant: exactly this request, this runner, this attempt, until the lease ends.
fn assign(shared: &Shared, runner: RunnerId, tenant: TenantId, assignment: Assignment) -> Kind {
    let Assignment { task, deciders } = assignment;
    let grant = Grant {
        tenant,
        task: task.id,
        attempt: task.attempt,
        runner,
        request: task.request_digest,
        rule: task.rule,
        deciders,
        expires_at: task.lease_until,
    };
    Kind::Assign(v1::Assign {
        attempt: words::attempt(store::Lease { task: task.id, attempt: task.attempt }),
        request: task.request.into_bytes().into(),
        script: task.script.into_bytes().into(),
        grant_signature: shared.app.keys.grants.sign(&grant.signed_bytes()).to_vec().into(),
        grant: grant.canonical().into(),
    })
}

/// Sends, or ends a stream that is not read: what was meant for it comes back when its lease ends.
fn send(connection: &Connection, kind: Kind) {
    if connection.to.try_send(Ok(words::say(kind))).is_err() {
        connection.end.cancel();
    }
}
