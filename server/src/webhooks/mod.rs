//! Delivery of messages to webhooks, after the commit that queued them, with retries. One node at a time delivers a message.
mod message;

use crate::{failure::Failure, state::App};
use http::{Request, StatusCode};
use outbound::{Client, Error, Policy};
use std::time::Duration;
use store::{Attempt, DueDelivery, Event, Topic, WebhookSecrets};
use tokio::{sync::broadcast::error::RecvError, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

/// Maximum number of messages that are sent at the same time.
const MAX_CONCURRENT: usize = 16;
/// Wait if no message is queued.
const IDLE_WAIT: Duration = Duration::from_hours(24);
/// Delay after a database error.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Sender of messages to webhooks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Webhooks {
    app: App,
    client: Client,
    origin: String,
}

impl Webhooks {
    /// Creates the sender with links to `origin`.
    ///
    /// # Errors
    /// Fails if the system's root certificates cannot be read.
    pub fn open(app: &App, origin: &str) -> Result<Self, Failure> {
        let client = Client::new(Policy { networks: app.config.outbound.allow.clone(), ..Policy::default() })?;
        Ok(Self { app: app.clone(), client, origin: origin.to_owned() })
    }

    /// Delivers queued messages until `stop`.
    pub async fn serve(self, stop: CancellationToken) {
        let mut events = self.app.store.subscribe();
        loop {
            let wait = self.deliver_due().await.unwrap_or_else(|error| {
                tracing::error!(%error, "messages to webhooks cannot be delivered; retrying");
                RETRY_DELAY
            });
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(wait) => {}
                () = queued(&mut events) => {}
            }
            while events.try_recv().is_ok() {}
        }
    }

    /// Delivers all due messages and returns the time until the next. Starts no more of them at shutdown.
    ///
    /// # Errors
    /// Fails on a database error.
    pub async fn deliver_due(&self) -> store::Result<Duration> {
        // Tasks, because a message whose result is being recorded would keep the next one from being taken.
        let (system, mut running) = (self.app.store.system(), JoinSet::new());
        // An error must not cancel what is being sent to other webhooks.
        let mut last = Ok(());
        loop {
            while running.len() < MAX_CONCURRENT && !self.app.stop.is_cancelled() {
                match system.take_delivery().await {
                    Ok(Some(due)) => drop(running.spawn(self.clone().deliver(due))),
                    Ok(None) => break,
                    Err(error) => {
                        last = Err(error);
                        break;
                    }
                }
            }
            match running.join_next().await {
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => last = Err(error),
                Some(Err(error)) => tracing::error!(%error, "a message to a webhook was not delivered"),
                None => break,
            }
        }
        last?;
        let next = system.next_delivery().await?;
        // Avoid a busy loop if a message stays due.
        Ok(next.map_or(IDLE_WAIT, |at| at.since(self.app.store.now()).clamp(Duration::from_millis(200), IDLE_WAIT)))
    }

    async fn deliver(self, due: DueDelivery) -> store::Result<()> {
        let attempt = match &due.secrets {
            Some(secrets) => self.send(&due, secrets).await,
            None => Attempt::Abandoned("disabled".into()),
        };
        if !matches!(attempt, Attempt::Delivered(_)) {
            tracing::info!(webhook = %due.webhook, delivery = %due.id, ?attempt, "a message to a webhook was not delivered");
        }
        self.app.store.system().finish_delivery(&due, attempt).await
    }

    async fn send(&self, due: &DueDelivery, secrets: &WebhookSecrets) -> Attempt {
        let refused = || Attempt::Abandoned("address".into());
        let body = message::body(due, &self.origin);
        let mut request = Request::post(&secrets.url).header(http::header::CONTENT_TYPE, "application/json");
        for (name, value) in message::signature(due, secrets, self.app.store.now(), &body) {
            request = request.header(name, value);
        }
        let Ok(request) = request.body(body.into_bytes()) else { return refused() };
        match self.client.send(request).await.response {
            Ok(response) if response.status().is_success() => Attempt::Delivered(response.status().as_str().to_owned()),
            // The receiver wants no more messages (Standard Webhooks).
            Ok(response) if response.status() == StatusCode::GONE => Attempt::Abandoned("410".into()),
            Ok(response) => Attempt::Failed(response.status().as_str().to_owned()),
            Err(error) if error.is_address() => refused(),
            Err(Error::Redirect) => Attempt::Failed("redirect".into()),
            // The receiver has the message; what it responds does not matter.
            Err(Error::TooLarge(status)) if status.is_success() => Attempt::Delivered(status.as_str().to_owned()),
            Err(Error::TooLarge(status)) => Attempt::Failed(status.as_str().to_owned()),
            Err(_) => Attempt::Failed("no_response".into()),
        }
    }
}

/// Completes when a message may be queued.
async fn queued(events: &mut tokio::sync::broadcast::Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event { topic: Topic::People | Topic::Missed, .. }) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
