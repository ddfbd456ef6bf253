//! Digests of the inbox: several notifications of one kind within some minutes are one entry.
use domain::notification::DIGEST;
use store::InboxEntry;

/// Groups consecutive entries, newest first, of one event and of one read state.
pub fn digests(entries: Vec<InboxEntry>) -> Vec<Vec<InboxEntry>> {
    let mut digests: Vec<Vec<InboxEntry>> = vec![];
    for entry in entries {
        let joins = |digest: &&mut Vec<InboxEntry>| {
            digest.first().is_some_and(|first| {
                first.event == entry.event
                    && first.read_at.is_some() == entry.read_at.is_some()
                    && first.created_at.since(entry.created_at) < DIGEST
            })
        };
        match digests.last_mut().filter(joins) {
            Some(digest) => digest.push(entry),
            None => digests.push(vec![entry]),
        }
    }
    digests
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{NotificationId, Timestamp, notification::Notification};
    use uuid::Uuid;

    #[test]
    fn d_10_notifications_of_one_kind_within_some_minutes_are_one() {
        let entry = |event, minute: i64, read: bool| InboxEntry {
            id: NotificationId(Uuid::from_u128(1)),
            event,
            subject_id: Uuid::nil(),
            title: String::new(),
            approval_state: None,
            task_state: None,
            created_at: Timestamp(minute * 60_000_000),
            read_at: read.then_some(Timestamp(0)),
        };
        let (ended, silent) = (Notification::TaskEnded, Notification::RunnerSilent);
        let entries = vec![
            entry(ended, 20, false),
            entry(ended, 18, false),
            entry(ended, 16, false),
            entry(ended, 15, false),
            entry(silent, 15, false),
            entry(ended, 14, false),
            entry(ended, 14, true),
        ];
        let sizes: Vec<_> = digests(entries).iter().map(Vec::len).collect();
        assert_eq!(sizes, [3, 1, 1, 1, 1]);
    }
}
