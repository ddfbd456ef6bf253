//! Texts of notifications, for the inbox, mails and chats. Every message links to the product, and none decides anything.
use crate::{anomalies, approvals::badge::badge_parts, tasks::labels::state_label};
use domain::{
    approval::ApprovalState,
    notification::{Item, Notification},
};
use store::InboxEntry;

/// Maximum number of lines of a digest.
const MAX_LINES: usize = 20;

/// Returns what `n` notifications of one kind say.
pub fn headline(event: Notification, n: usize) -> String {
    match event {
        Notification::ApprovalRequested => t!("notification-approval-requested", n = n),
        Notification::ApprovalExpiring => t!("notification-approval-expiring", n = n),
        Notification::ApprovalDecided => t!("notification-approval-decided", n = n),
        Notification::TaskEnded => t!("notification-task-ended", n = n),
        Notification::RunnerSilent => t!("notification-runner-silent", n = n),
        Notification::AnomalyDetected => t!("notification-anomaly-detected", n = n),
        Notification::KeyExpiring => t!("notification-key-expiring", n = n),
    }
}

/// Returns the name of an event in settings.
pub fn label(event: Notification) -> String {
    match event {
        Notification::ApprovalRequested => t!("event-approval-requested"),
        Notification::ApprovalExpiring => t!("event-approval-expiring"),
        Notification::ApprovalDecided => t!("event-approval-decided"),
        Notification::TaskEnded => t!("event-task-ended"),
        Notification::RunnerSilent => t!("event-runner-silent"),
        Notification::AnomalyDetected => t!("event-anomaly-detected"),
        Notification::KeyExpiring => t!("event-key-expiring"),
    }
}

/// Returns the form field of an event in a group of fields.
pub fn field(group: &str, event: Notification) -> String {
    format!("{group}[{}]", event.as_str().replace('.', "_"))
}

/// Returns the last digits of an id: the same in all messages about one task, because webhooks have no threads.
pub fn reference(id: uuid::Uuid) -> String {
    let text = id.simple().to_string();
    text.get(24..).unwrap_or_default().to_owned()
}

/// Returns the present state of the subject, if it is part of the message.
pub fn state(entry: &InboxEntry) -> Option<String> {
    match (entry.approval_state, entry.task_state) {
        (Some(state), _) => Some(badge_label(state)),
        (None, Some(state)) => Some(state_label(state)),
        (None, None) => None,
    }
}

/// Returns the subject and body of a mail about notifications of one kind.
pub fn mail(event: Notification, entries: &[InboxEntry], origin: &str) -> (String, String) {
    let line = |entry: &InboxEntry| {
        let title: String = domain::text::visible(&entry.title).collect();
        let state = state(entry).map(|state| format!(" ({state})")).unwrap_or_default();
        format!("{title}{state}\n{origin}{}\n", event.path(entry.subject_id))
    };
    let mut lines: Vec<_> = entries.iter().take(MAX_LINES).map(line).collect();
    if entries.len() > MAX_LINES {
        lines.push(format!("… {origin}{}\n", event.list()));
    }
    let what = headline(event, entries.len());
    let settings = format!("{origin}{}", super::PREFERENCES);
    let subject = t!("mail-notification-subject", what = what.clone());
    (subject, t!("mail-notification", what = what, lines = lines.join("\n"), link = settings))
}

/// Returns the text of a chat message, in the format of Slack. An empty list is a test.
pub fn chat(event: Option<Notification>, items: &[Item], origin: &str) -> String {
    let Some(event) = event else { return chat_text(&t!("webhook-test-message")) };
    let line = |item: &Item| {
        let title = item.title.clone().unwrap_or_else(|| match event {
            Notification::AnomalyDetected => kind_label(item.state.as_deref()),
            _ => t!("notification-private-task"),
        });
        let state = item_state(event, item).map(|state| format!(" · {}", chat_text(&state))).unwrap_or_default();
        let reference = reference(item.task.map_or(item.subject, |task| task.0));
        let link = format!("<{origin}{}|{}>", event.path(item.subject), chat_text(&title));
        format!("• {link}{state} · {}", t!("notification-reference", id = reference))
    };
    let mut lines: Vec<_> = items.iter().take(MAX_LINES).map(line).collect();
    if items.len() > MAX_LINES {
        lines.push(format!("<{origin}{}|…>", event.list()));
    }
    format!("*{}*\n{}", chat_text(&headline(event, items.len())), lines.join("\n"))
}

fn item_state(event: Notification, item: &Item) -> Option<String> {
    let state = item.state.as_deref()?;
    match event {
        Notification::ApprovalDecided => state.parse().ok().map(badge_label),
        Notification::TaskEnded => state.parse().ok().map(state_label),
        _ => None,
    }
}

fn badge_label(state: ApprovalState) -> String {
    badge_parts(state).1
}

fn kind_label(kind: Option<&str>) -> String {
    kind.and_then(|kind| kind.parse().ok()).map(anomalies::labels::kind).unwrap_or_default()
}

/// Escapes a text for Slack: without these characters it can contain neither links nor mentions. Formatting characters are shown as they are
/// typed or change the look only.
fn chat_text(text: &str) -> String {
    let visible: String = domain::text::visible(text).map(|c| if c.is_control() { ' ' } else { c }).collect();
    visible.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('|', "¦")
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{TaskId, Timestamp};
    use uuid::Uuid;

    fn item(title: Option<&str>) -> Item {
        let (subject, task) = (Uuid::from_u128(7), TaskId(Uuid::from_u128(0xabcd_ef01)));
        let state = Some("approved".to_owned());
        let title = title.map(str::to_owned);
        Item { subject, at: Timestamp(0), title, organization: None, task: Some(task), approval: None, state }
    }

    #[test]
    fn d_10_a_chat_message_links_in_and_has_no_mention_of_a_title() {
        let hostile = item(Some("<!channel> <https://evil.example|x>\n@here"));
        let text = chat(Some(Notification::ApprovalDecided), &[hostile], "https://c.example");
        assert!(text.contains("<https://c.example/approvals/00000000-0000-0000-0000-000000000007|"), "{text}");
        assert!(!text.contains("<!") && !text.contains("<https://evil") && text.lines().count() == 2, "{text}");
        assert!(text.contains("abcdef01") && text.contains(&badge_label(ApprovalState::Approved)), "{text}");
    }

    #[test]
    fn d_10_a_private_task_has_no_title_and_many_events_become_one_message() {
        let text = chat(Some(Notification::TaskEnded), &vec![item(None); 30], "https://c.example");
        assert!(text.contains(&t!("notification-private-task")) && text.lines().count() == MAX_LINES + 2, "{text}");
        assert!(text.starts_with(&format!("*{}*", headline(Notification::TaskEnded, 30))));
    }
}
