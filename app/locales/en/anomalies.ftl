# Anomalies: unusual sign-ins, API key use and task activity.
nav-anomalies = Anomalies
anomaly-lead = Unusual sign-ins, API key use and task activity, and silent runners, newest first. Most are harmless. Review each anomaly and mark it as reviewed.
anomaly-filter = Filter anomalies
anomaly-kind = Type
anomaly-person = Person
anomaly-reviewed = Review status
anomaly-reviewed-no = Not reviewed
anomaly-reviewed-by = Reviewed by
anomaly-mark-reviewed = Mark as reviewed
anomaly-none = No anomalies
anomaly-none-text = No unusual activity was detected. The detection rules are listed below.
anomaly-none-match = No matches
anomaly-none-match-text = No anomaly matches these filters.
anomaly-show-all = Show all anomalies
anomaly-since = since { $time }
anomaly-from = From { $address }
anomaly-key = API key
anomaly-times-runner = Detected { $n } times.
anomaly-times = Detected { $n } times, from the same or other networks.

anomaly-sign-in = New sign-in location
anomaly-guessing = Many failed sign-ins for one person
anomaly-spraying = Failed sign-ins for many people from one network
anomaly-key-network = API key used from a new network
anomaly-key-silent = API key used after long inactivity
anomaly-task-volume = High task volume
anomaly-task-hour = Unusual time

anomaly-runner-silent = Silent runner

anomaly-why-device = First sign-in to this account from this browser.
anomaly-why-network = First sign-in to this account from this network in 90 days.
anomaly-why-both = First sign-in to this account from this browser, and the first from this network in 90 days.
anomaly-why-half = The password was correct, but the second factor has not been confirmed.
anomaly-why-guessing = { $n } failed password or second-factor attempts within an hour, from { $networks ->
    [one] one network
   *[other] { $networks } networks
}. The threshold is { $many }.
anomaly-why-spraying = Failed sign-ins for { $n } people within an hour from this network, { $failures } attempts in total. The threshold is { $many } people. Someone may be trying common passwords on many accounts.
anomaly-why-key-network = This API key was used from { $n ->
    [one] one other network
   *[other] { $n } other networks
} in the last 90 days, but never from this one. It has no allowed networks configured.
anomaly-why-key-silent = This API key had not been used for { $n } days.
anomaly-why-task-volume = This API key submitted { $n } tasks in an hour. Its previous maximum was { $most } per hour, over { $days } days with tasks. The threshold is { $times } times the maximum.
anomaly-why-task-hour = This API key submitted a task on { $day } at about { $hour } UTC. In the { $days } days before, it submitted tasks in { $n } different hours, none of them within an hour of this time of the week. Detection starts after { $least } days of history.
anomaly-why-runner-silent = This runner sent no heartbeat for { $n } seconds, and nobody stopped it. Its running tasks were returned to the queue, or ended if they could not be retried.
day-monday = Monday
day-tuesday = Tuesday
day-wednesday = Wednesday
day-thursday = Thursday
day-friday = Friday
day-saturday = Saturday
day-sunday = Sunday

anomaly-advice-sign-in = If this was not you:
anomaly-advice-sign-in-admin = Ask the person whether this was them. If not, end their sessions or lock the account, and have them change the password.
anomaly-advice-guessing = None of these attempts succeeded. Use a unique password and set up a second factor.
anomaly-advice-guessing-admin = None of these attempts succeeded. Check where they came from. If the account is at risk, lock it, and restrict admin access to known networks with the setting admin.allow.
anomaly-advice-spraying = Check which accounts were targeted and whether any of them signed in from this network. Block the network in front of the server, and require a second factor for everyone.
anomaly-advice-key = If nobody who uses the key can explain this, revoke the key or restrict it to allowed networks.
anomaly-advice-runner-silent = Check the machine, its network and the log of the runner. If the runner is no longer used, revoke it.
anomaly-link-runner = View the runner
anomaly-link-sessions = End your other sessions
anomaly-link-password = Change your password
anomaly-link-lock = Lock the account or end its sessions
anomaly-link-audit = View in the audit log
anomaly-link-key = Revoke or rotate the API key
anomaly-link-bind = Set allowed networks

anomaly-detection = What is detected
anomaly-detection-sign-in = Sign-ins: a browser that the person has not used before, or a network (IPv4 /24, IPv6 /48) that they have not signed in from for 90 days. The first sign-in to an account is not reported.
anomaly-detection-failures = Failed sign-ins: 10 failed password or second-factor attempts for one person within an hour, or failed sign-ins for 8 people from one network. Reported once a day, and again when the count doubles.
anomaly-detection-keys = API keys: a network that the key has not been used from for 90 days, unless the key has allowed networks, and use after 90 days of inactivity. The first use is not reported.
anomaly-detection-tasks = Tasks submitted with an API key: at least 20 in an hour and three times the busiest hour of the last 30 days, or an hour of the week without tasks in the last 8 weeks, if the key has a regular pattern.
anomaly-detection-runners = Runners: no heartbeat for 90 seconds, unless the runner was stopped or revoked. Reported once until the runner is seen again.

anomaly-own-title = Anomalies
anomaly-own-lead = Unusual activity of your account, your API keys and the service accounts that you are responsible for.
overview-anomalies = { $n ->
    [one] 1 anomaly is not reviewed.
   *[other] { $n } anomalies are not reviewed.
}
notifications-anomaly = View details
account-event-new-place = New sign-in to your account from an unusual location
account-event-many-failures = Many failed sign-in attempts for your account
account-event-key-anomaly = Unusual use of an API key
account-event-key-ends-soon = An API key expires in two weeks; replace it before then
account-event-backup-failed = A scheduled backup failed
audit-event = Security event
