# The inbox, notification preferences, and messages.

inbox-title = Inbox
inbox-lead = Approval requests that need your decision, results of your requests and tasks, and problems that concern you.
inbox-unread-suffix = { " " }unread notifications
inbox-unread = Unread
inbox-empty = No notifications
inbox-empty-text = Approval requests that you can decide, results of your requests, and problems that concern you appear here.
inbox-mark-all = Mark all as read
inbox-mark = Mark as read
inbox-open = View anomaly
inbox-more = { $n } more

notification-settings = Notification settings
notification-settings-lead = Choose how you are notified of each event. Several events of one kind within five minutes become one email. Security alerts about your account are always sent.
notification-without-mail = This server cannot send email. The operator can enable it with the settings mail.smtp and mail.from.
notification-save = Save settings
channel-inbox = Inbox
channel-mail = Email

event-approval-requested = An approval request needs your decision
event-approval-expiring = An approval request expires soon
event-approval-decided = An approval request was decided
event-task-ended = A task ended
event-runner-silent = A runner is silent
event-anomaly-detected = An anomaly was detected
event-key-expiring = An API key expires soon

notification-approval-requested = { $n ->
    [one] An approval request needs a decision
   *[other] { $n } approval requests need a decision
}
notification-approval-expiring = { $n ->
    [one] An approval request expires soon
   *[other] { $n } approval requests expire soon
}
notification-approval-decided = { $n ->
    [one] An approval request was decided
   *[other] { $n } approval requests were decided
}
notification-task-ended = { $n ->
    [one] A task ended
   *[other] { $n } tasks ended
}
notification-runner-silent = { $n ->
    [one] A runner has sent no heartbeat for 90 seconds
   *[other] { $n } runners have sent no heartbeat for 90 seconds
}
notification-anomaly-detected = { $n ->
    [one] An anomaly was detected
   *[other] { $n } anomalies were detected
}
notification-key-expiring = { $n ->
    [one] An API key expires soon
   *[other] { $n } API keys expire soon
}
notification-private-task = Private task
notification-reference = Reference { $id }

mail-notification-subject = Castellan: { $what }
mail-notification =
    { $what }.

    { $lines }
    Change which notifications you receive:
    { $link }
