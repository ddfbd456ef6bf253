//! Mail delivery: sends queued email after the commit that queued it, with retries.
use crate::{config::SmtpUrl, failure::Failure, state::App};
use app::mails;
use domain::{Actor, PersonId, Principal};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, Header, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
    transport::smtp::extension::ClientId,
};
use std::{error::Error, time::Duration};
use store::{DueMail, Event, InboxEntry, Mail, Topic};
use tokio::{sync::broadcast::error::RecvError, time::sleep};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Timeout of sending one email.
const SEND_TIMEOUT: Duration = Duration::from_mins(1);
/// Timeout of a check of the mail server.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);
/// Wait if no email is queued.
const IDLE_WAIT: Duration = Duration::from_hours(24);
/// Maximum length of a failure's reason, in characters.
const MAX_REASON_CHARS: usize = 200;
/// Maximum number of notifications in one email.
const MAX_ENTRIES: u32 = 500;
/// Delay after a database error.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Sender of queued email.
pub struct Mailer {
    app: App,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    origin: String,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Mailer {
    /// Creates the mailer with links to `origin`; returns `None` if email is not configured.
    ///
    /// # Errors
    /// Fails if a setting is invalid.
    pub fn open(app: &App, origin: &str) -> Result<Option<Self>, Failure> {
        let (Some(smtp), Some(from)) = (&app.config.mail.smtp, &app.config.mail.from) else { return Ok(None) };
        let unusable = |what: &str, why: String| Failure::new(format!("`mail.{what}` cannot be used: {why}"));
        let from = from.as_str().parse().map_err(|error| unusable("from", format!("{error}")))?;
        let transport = transport(smtp, origin).map_err(|error| unusable("smtp", error.to_string()))?;
        Ok(Some(Self { app: app.clone(), transport, from, origin: origin.to_owned() }))
    }

    /// Sends queued email until `stop`.
    pub async fn serve(self, stop: CancellationToken) {
        let mut events = self.app.store.subscribe();
        loop {
            let wait = self.send_due().await.unwrap_or_else(|error| {
                tracing::error!(%error, "email cannot be sent; retrying");
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

    /// Sends all due email and returns the time until the next. Stops early at shutdown.
    ///
    /// # Errors
    /// Fails on a database error.
    pub async fn send_due(&self) -> store::Result<Duration> {
        let system = self.app.store.system();
        while !self.app.stop.is_cancelled()
            && let Some(due) = system.take_mail().await?
        {
            let invitation = match &due.mail {
                Mail::Invitation { token, .. } => Some(auth::Token::of(token.clone()).hash),
                _ => None,
            };
            // It was revoked, or sent again with another link.
            if let Some(token) = invitation
                && system.invitation(token).await?.is_none()
            {
                system.delete_mail(due.tenant, due.id).await?;
                continue;
            }
            let entries = match &due.mail {
                Mail::Notifications { person, .. } => self.entries(&due, *person).await?,
                _ => vec![],
            };
            // Their reader may not see them any more.
            if entries.is_empty() && matches!(due.mail, Mail::Notifications { .. }) {
                system.delete_mail(due.tenant, due.id).await?;
                continue;
            }
            let sent = self.send(&due, &entries).await;
            if let Some(token) = invitation {
                let failure = sent.as_ref().err().map(NotSent::reason);
                system.set_invitation_mail_failure(due.tenant, token, failure.as_deref()).await?;
            }
            match sent {
                Ok(()) => system.delete_mail(due.tenant, due.id).await?,
                Err(NotSent { error, is_final }) if due.last || is_final => {
                    tracing::error!(mail = %due.id, error, "an email could not be delivered; giving up");
                    system.delete_mail(due.tenant, due.id).await?;
                }
                Err(NotSent { error, .. }) => {
                    tracing::warn!(mail = %due.id, error, "an email could not be delivered; retrying later");
                }
            }
        }
        let next = system.next_mail().await?;
        // Avoid a busy loop if an email stays due.
        Ok(next.map_or(IDLE_WAIT, |at| at.since(self.app.store.now()).clamp(Duration::from_millis(200), IDLE_WAIT)))
    }

    /// Returns the id of the thread that a mail about one approval request belongs to: the request and its outcome are in the same one.
    fn thread(&self, entries: &[InboxEntry]) -> Option<String> {
        match entries {
            [entry] if entry.event.is_of_approval() => {
                Some(format!("<approval-{}@{}>", entry.subject_id, self.from.email.domain()))
            }
            _ => None,
        }
    }

    /// Returns the notifications that a mail is about, as far as its recipient may see them now.
    async fn entries(&self, due: &DueMail, person: PersonId) -> store::Result<Vec<InboxEntry>> {
        let store = &self.app.store;
        let holder = match store.system().holder(due.tenant, person).await {
            Err(store::Error::NotFound) => return Ok(vec![]),
            holder => holder?,
        };
        let mut reader = Actor::clock(due.tenant, store.now());
        reader.principal = Principal::Person(person);
        (reader.tenant_role, reader.roles) = (holder.tenant_role, holder.roles);
        store.read(&reader).await?.notifications_of_mail(due.id, MAX_ENTRIES).await
    }

    async fn send(&self, due: &DueMail, entries: &[InboxEntry]) -> Result<(), NotSent> {
        let (subject, text) = mails::words(&due.mail, entries, &self.origin);
        let to = due.to.ascii_host().parse::<Mailbox>().map_err(NotSent::finally)?;
        let message = Message::builder().from(self.from.clone()).to(to).subject(subject);
        // The same for each attempt, so that a mail which was taken although the answer was lost counts as one.
        let message = message.message_id(Some(format!("<{}@{}>", due.id, self.from.email.domain())));
        let thread = self.thread(entries);
        let message = match &thread {
            Some(thread) => message.in_reply_to(thread.clone()).references(thread.clone()),
            None => message,
        };
        let message = message.header(MIME_VERSION_1_0).header(ContentType::TEXT_PLAIN).header(AutoSubmitted);
        let message = message.body(text).map_err(NotSent::finally)?;
        match tokio::time::timeout(SEND_TIMEOUT, self.transport.send(message)).await {
            Ok(sent) => sent.map(|_| ()).map_err(|refused| {
                let error = refused.to_string();
                NotSent { is_final: refused.status().is_some_and(|code| is_final(code.into(), &error)), error }
            }),
            Err(late) => Err(NotSent { is_final: false, error: late.to_string() }),
        }
    }
}

/// The reason why a mail was not sent.
struct NotSent {
    error: String,
    /// Whether another attempt cannot succeed.
    is_final: bool,
}

impl NotSent {
    fn finally(error: impl std::fmt::Display) -> Self {
        Self { error: error.to_string(), is_final: true }
    }

    /// Returns one short line. The mail server may have written it.
    fn reason(&self) -> String {
        let line: String = self.error.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
        domain::text::visible(&line).take(MAX_REASON_CHARS).collect()
    }
}

/// Returns whether a mail server refused the recipient for good with this reply (RFC 5321, section 4.2.3). If it refuses this server instead (530 to 538,
/// 554, or the status 5.7.x of RFC 3463), an operator can change that, and a full mailbox (552) may be emptied.
fn is_final(code: u16, text: &str) -> bool {
    matches!(code, 550 | 551 | 553) && !text.split_whitespace().any(|word| word.starts_with("5.7."))
}

/// Connects to the mail server and signs in to it, without sending anything.
///
/// # Errors
/// Fails with the cause.
pub async fn check_connection(smtp: &SmtpUrl, origin: &str) -> Result<(), Failure> {
    match tokio::time::timeout(CHECK_TIMEOUT, transport(smtp, origin)?.test_connection()).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(Failure::new("the mail server does not accept commands")),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Failure::new("the mail server does not answer")),
    }
}

/// Says that no person wrote the mail, so that no absence notice answers it (RFC 3834, section 5).
#[derive(Clone, Debug)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The server greets the mail server with the name in `origin` (RFC 5321, section 4.1.1.1).
fn transport(
    smtp: &SmtpUrl,
    origin: &str,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, lettre::transport::smtp::Error> {
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp.expose())?.timeout(Some(SEND_TIMEOUT / 2));
    let name = Url::parse(origin).ok().and_then(|url| url.domain().map(str::to_owned));
    Ok(match name {
        Some(name) => transport.hello_name(ClientId::Domain(name)).build(),
        None => transport.build(),
    })
}

/// Completes when email may be queued: changes of people cause it.
async fn queued(events: &mut tokio::sync::broadcast::Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event { topic: Topic::People | Topic::Missed, .. }) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Email;

    #[test]
    fn case_bc27_every_address_that_a_form_takes_can_be_mailed() {
        for text in [
            "ada@example.org",
            "ada@example.org,",
            "<ada@x.org>",
            "mailto:ada@x.org",
            "ada@x",
            ".ada@x.org",
            "ada@x..org",
            "ada@-x.org",
            "ada+b@x.org",
            "j\u{f6}rg@x.org",
            "\u{130}@x.org",
            "ada@m\u{fc}ller.example",
            "o'neil@x.org",
            "a_b@x-y.org",
            "ada@[127.0.0.1]",
            "a@b@x.org",
            "ada@x.org.",
            "!#$%&'*+-/=?^_`{|}~@x.org",
            "\u{1f3f0}@x.org",
        ] {
            let Ok(email) = Email::parse(text) else { continue };
            assert!(email.ascii_host().parse::<Mailbox>().is_ok(), "{text}");
        }
        for refused in ["ada@example.org,", "<ada@x.org>", "mailto:ada@x.org", ".ada@x.org", "ada@x..org", "ada@-x.org"]
        {
            assert!(Email::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn case_bc27_a_mail_is_given_up_only_if_its_recipient_is_refused() {
        for (code, text, expected) in [
            (550, "permanent error (550): 5.1.1 no such user", true),
            (550, "permanent error (550): no such user", true),
            (551, "permanent error (551): user not local", true),
            (553, "permanent error (553): 5.1.3 the address is invalid", true),
            (550, "permanent error (550): no route to 10.5.7.1", true),
            // This server is refused.
            (550, "permanent error (550): 5.7.1 relaying denied", false),
            (553, "permanent error (553): 5.7.27 the sender is not allowed", false),
            (530, "permanent error (530): authentication required", false),
            (535, "permanent error (535): 5.7.8 wrong credentials", false),
            (554, "permanent error (554): 5.7.0 this address is on a block list", false),
            // It may succeed later.
            (421, "transient error (421): try again later", false),
            (450, "transient error (450): 4.2.0 greylisted", false),
            (452, "transient error (452): too many recipients", false),
            (500, "permanent error (500): unknown command", false),
            (552, "permanent error (552): 5.2.2 the mailbox is full", false),
        ] {
            assert_eq!(is_final(code, text), expected, "{text}");
        }
    }

    #[test]
    fn case_bc27_the_reason_is_one_short_line_of_visible_characters() {
        let error = format!("550 no\r\nsuch\u{1b}[31m user\u{202e} {}", "x".repeat(500));
        let reason = NotSent { error, is_final: true }.reason();
        assert!(
            reason.starts_with("550 no  such[31m user x") && reason.chars().count() == MAX_REASON_CHARS,
            "{reason}"
        );
    }
}
