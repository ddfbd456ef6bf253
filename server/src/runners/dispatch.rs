//! Task dispatcher: assigns queued tasks to connected runners, driven by events instead of polling.

use super::{Shared, convert, registry::Connection};
use domain::{RunnerId, TenantId, grant::Grant};
use std::{cmp::Reverse, collections::HashSet, time::Duration};
use store::{Assignment, Event, Topic};
use tokio::{
    sync::broadcast::error::{RecvError, TryRecvError},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use wire::v1::{self, server_message::Kind};

/// Delay after a database error and while a runner is paused.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Tenants with possible work.
#[derive(Debug, Default)]
struct PendingTenants {
    tenants: HashSet<TenantId>,
    /// Set if events were missed.
    all: bool,
}

impl PendingTenants {
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

/// Dispatches tasks until `stop`.
pub(super) async fn run(shared: &Shared, stop: &CancellationToken) {
    let mut events = shared.store().subscribe();
    let mut pending = PendingTenants::default();
    loop {
        let retry = !pending.tenants.is_empty();
        tokio::select! {
            () = stop.cancelled() => return,
            () = shared.registry.changed.notified() => pending.all = true,
            () = sleep(RETRY_DELAY), if retry => {}
            event = events.recv() => match event {
                Ok(event) => pending.add(event),
                Err(RecvError::Lagged(_)) => pending.all = true,
                Err(RecvError::Closed) => return,
            },
        }
        // Process queued events in one batch.
        loop {
            match events.try_recv() {
                Ok(event) => pending.add(event),
                Err(TryRecvError::Lagged(_)) => pending.all = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let connected = shared.registry.tenants();
        let due = std::mem::take(&mut pending);
        for tenant in connected.into_iter().filter(|tenant| due.all || due.tenants.contains(tenant)) {
            match dispatch(shared, tenant).await {
                Ok(Progress::Complete) => continue,
                Ok(Progress::RunnersPaused) => {}
                Err(error) => tracing::error!(%error, %tenant, "tasks could not be dispatched; retrying"),
            }
            pending.tenants.insert(tenant);
        }
    }
}

/// Result of dispatching for a tenant.
enum Progress {
    Complete,
    /// Tasks wait for a paused runner.
    RunnersPaused,
}

/// Closes revoked runners, sends cancellations and assigns tasks of one tenant.
async fn dispatch(shared: &Shared, tenant: TenantId) -> store::Result<Progress> {
    let (mut free, mut queue_has_tasks) = (Vec::new(), false);
    for connection in shared.registry.connections_of(tenant) {
        let load = shared.store().read_once(&connection.actor).await?.runner_load().await?;
        if load.revoked {
            let reject = v1::Reject { reason: "this runner was revoked".into() };
            let _ = connection.to.try_send(Ok(convert::message(Kind::Reject(reject)))); // it may have disconnected
            connection.end.cancel();
            continue;
        }
        if load.has_cancellations {
            send_cancellations(shared, &connection).await?;
        }
        queue_has_tasks = load.queue_has_tasks;
        let held = usize::try_from(load.held).unwrap_or(usize::MAX);
        free.push((connection.slots.saturating_sub(held), connection));
    }
    // A runner with a broken sandbox gets tasks only if there is no other: its response explains the cause and the fix.
    let any_works = free.iter().any(|(_, connection)| connection.sandbox_works);
    free.retain(|(slots, connection)| *slots > 0 && (connection.sandbox_works || !any_works));
    let count = free.len();
    free.retain(|(_, connection)| !connection.is_paused());
    let some_paused = free.len() < count;
    // Without a write transaction.
    if !queue_has_tasks {
        return Ok(Progress::Complete);
    }
    loop {
        free.sort_by_key(|(slots, _)| Reverse(*slots));
        // Balance free slots: the freest runner claims tasks in one commit until it is as busy as the next.
        let next = free.get(1).map_or(0, |(slots, _)| *slots);
        let Some((slots, connection)) = free.first_mut() else {
            return Ok(if some_paused { Progress::RunnersPaused } else { Progress::Complete });
        };
        // At most half of the send queue: when the runner reports starts, dispatch runs again.
        let limit = (*slots - next.min(*slots)).max(1).min(connection.to.capacity() / 2);
        let taken = if limit == 0 { 0 } else { claim(shared, connection, limit).await? };
        *slots = if taken < limit.max(1) { 0 } else { *slots - taken }; // fewer: no other queued task suits this runner
        free.retain(|(slots, _)| *slots > 0);
    }
}

/// Cancels the tasks of a runner for which that was requested.
async fn send_cancellations(shared: &Shared, connection: &Connection) -> store::Result<()> {
    let held = shared.store().read_once(&connection.actor).await?.leased_tasks().await?;
    for task in held.iter().filter(|task| task.cancel_requested) {
        if shared.registry.is_first_cancel(connection.runner, task.lease()) {
            send(connection, Kind::Cancel(v1::Cancel { attempt: convert::attempt(task.lease()) }));
        }
    }
    Ok(())
}

/// Claims up to `limit` tasks for one runner, sends them after the commit and returns their number.
async fn claim(shared: &Shared, connection: &Connection, limit: usize) -> store::Result<usize> {
    let mut write = shared.store().write(&connection.actor).await?;
    let claimed = write.claim_tasks(&connection.capabilities, limit).await?;
    write.commit().await?; // also if none was claimed: claiming ends tasks without a valid owner
    let taken = claimed.len();
    for assignment in claimed {
        send(connection, assign(shared, connection.runner, connection.actor.tenant, assignment));
    }
    Ok(taken)
}

/// Builds the assignment with its grant, which is limited to this request, runner, attempt and lease.
fn assign(shared: &Shared, runner: RunnerId, tenant: TenantId, assignment: Assignment) -> Kind {
    let Assignment { lease, lease_until, request, request_digest, script, consent } = assignment;
    let grant = Grant {
        tenant,
        task: lease.task,
        attempt: lease.attempt,
        runner,
        request: request_digest,
        consent,
        expires_at: lease_until,
    };
    Kind::Assign(v1::Assign {
        attempt: convert::attempt(lease),
        request: request.into_bytes().into(),
        script: script.into_bytes().into(),
        grant_signature: shared.app.keys.grants.sign(&grant.signed_bytes()).to_vec().into(),
        grant: grant.canonical().into(),
    })
}

/// Sends a message, or closes a stream that is not read; its tasks return to the queue when their leases expire.
fn send(connection: &Connection, kind: Kind) {
    if connection.to.try_send(Ok(convert::message(kind))).is_err() {
        connection.end.cancel();
    }
}
