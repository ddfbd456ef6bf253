//! Sends the mail that is queued, after the commit that queued it, and again later until it was taken.
use crate::{config::SmtpUrl, failure::Failure, state::App};
use app::mails;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use std::time::Duration;
use store::{DueMail, Event, Topic};
use tokio::{sync::broadcast::error::RecvError, time::sleep};
use tokio_util::sync::CancellationToken;

/// The longest that one mail may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Without any mail.
const FAR: Duration = Duration::from_hours(24);
/// After a failure of the database.
const AGAIN: Duration = Duration::from_secs(5);

/// What hands mail over.
pub struct Post {
    app: App,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    origin: String,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Post {
    /// As configured, with links to `origin`; `None` where no mail is sent.
    ///
    /// # Errors
    /// When the setting cannot be used.
    pub fn open(app: &App, origin: &str) -> Result<Option<Self>, Failure> {
        let (Some(smtp), Some(from)) = (&app.config.mail.smtp, &app.config.mail.from) else { return Ok(None) };
        let unusable = |what: &str, why: String| Failure::new(format!("`mail.{what}` cannot be used: {why}"));
        let from = from.as_str().parse().map_err(|error| unusable("from", format!("{error}")))?;
        let transport = transport(smtp).map_err(|error| unusable("smtp", error.to_string()))?;
        Ok(Some(Self { app: app.clone(), transport, from, origin: origin.to_owned() }))
    }

    /// Sends what is queued until `stop`.
    pub async fn serve(self, stop: CancellationToken) {
        let mut events = self.app.store.subscribe();
        loop {
            let wait = self.send_due().await.unwrap_or_else(|error| {
                tracing::error!(%error, "mail cannot be sent; trying again");
                AGAIN
            });
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(wait) => {}
                () = queued(&mut events) => {}
            }
            while events.try_recv().is_ok() {}
        }
    }

    /// Sends what is due, as far as the server is not told to stop, and says how long nothing will be.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn send_due(&self) -> store::Result<Duration> {
        let system = self.app.store.system();
        while !self.app.stop.is_cancelled()
            && let Some(due) = system.take_mail().await?
        {
            match self.send(&due).await {
                Ok(()) => system.forget_mail(due.tenant, due.id).await?,
                Err(error) if due.last => {
                    tracing::error!(mail = %due.id, error, "a mail was given up");
                    system.forget_mail(due.tenant, due.id).await?;
                }
                Err(error) => tracing::warn!(mail = %due.id, error, "a mail was not taken; trying again later"),
            }
        }
        let next = system.next_mail().await?;
        // What is due and stays so must not be asked for without pause.
        Ok(next.map_or(FAR, |at| at.since(self.app.store.now()).clamp(Duration::from_millis(200), FAR)))
    }

    async fn send(&self, due: &DueMail) -> Result<(), String> {
        let (subject, text) = mails::words(&due.mail, &self.origin);
        let to = due.to.as_str().parse::<Mailbox>().map_err(|error| error.to_string())?;
        let message = Message::builder().from(self.from.clone()).to(to).subject(subject);
        let message = message.header(ContentType::TEXT_PLAIN).body(text).map_err(|error| error.to_string())?;
        match tokio::time::timeout(PATIENCE, self.transport.send(message)).await {
            Ok(sent) => sent.map(|_| ()).map_err(|error| error.to_string()),
            Err(late) => Err(late.to_string()),
        }
    }
}

fn transport(smtp: &SmtpUrl) -> Result<AsyncSmtpTransport<Tokio1Executor>, lettre::transport::smtp::Error> {
    Ok(AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp.expose())?.timeout(Some(PATIENCE / 2)).build())
}

/// Completes when there may be mail: whatever happens with a person is told.
async fn queued(events: &mut tokio::sync::broadcast::Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event { topic: Topic::People | Topic::Missed, .. }) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
