# What was unusual.
nav-anomalies = Unusual
anomaly-lead = Sign-ins, keys and tasks that are not as they usually are, newest first. Each says why. Most are harmless; look at each and say so.
anomaly-narrow = Narrow the list
anomaly-kind = Kind
anomaly-person = Person
anomaly-looked = Looked at
anomaly-looked-no = Not looked at yet
anomaly-looked-by = Looked at by
anomaly-look = I have looked at it
anomaly-none = Nothing unusual
anomaly-none-text = Nothing that is watched was otherwise than usual. What is watched stands below.
anomaly-none-match = Nothing matches
anomaly-none-match-text = Nothing unusual fits everything you narrowed by.
anomaly-show-all = Show all
anomaly-since = since
anomaly-from = From
anomaly-key = Key
anomaly-times = It happened { $n } times, from the same or other places.

anomaly-sign-in = New place of sign-in
anomaly-guessing = Many failures for one person
anomaly-spraying = One network, many accounts
anomaly-key-network = Key in a new network
anomaly-key-silent = Key after long silence
anomaly-task-volume = Many tasks
anomaly-task-hour = Unusual hour

anomaly-why-device = Nobody signed in to this account with this browser before.
anomaly-why-network = Nobody signed in to this account from this network in the last 90 days.
anomaly-why-both = Nobody signed in to this account with this browser before, and from this network not in the last 90 days.
anomaly-why-half = The first step was right; the second factor has not been shown.
anomaly-why-guessing = { $n } wrong passwords or second factors within an hour, from { $networks ->
    [one] one network
   *[other] { $networks } networks
}. { $many } are told.
anomaly-why-spraying = Failed sign-ins for { $n } people within an hour from this one network, { $failures } in all. { $many } people are told: somebody may be trying common passwords on everybody.
anomaly-why-key-network = This key was used from { $n ->
    [one] one other network
   *[other] { $n } other networks
} in the last 90 days, and never from this one. It is not bound to networks.
anomaly-why-key-silent = This key had not been used for { $n } days.
anomaly-why-task-volume = This key submitted { $n } tasks in an hour. On the { $days } days before on which it submitted any, never more than { $most } ({ $times } times as many are told).
anomaly-why-task-hour = This key submitted a task on { $day } at { $hour } UTC or shortly after. In the { $days } days before it submitted tasks in { $n } hours, none within an hour of this time of the week. (Before { $least } days have passed nothing is told.)
day-monday = Monday
day-tuesday = Tuesday
day-wednesday = Wednesday
day-thursday = Thursday
day-friday = Friday
day-saturday = Saturday
day-sunday = Sunday

anomaly-advice-sign-in = Was it you? If not:
anomaly-advice-sign-in-admin = Ask them whether it was them. If not, end their sessions or lock the account, and have the password changed.
anomaly-advice-guessing = Nobody got in by these. Use a password that you use nowhere else, and set up a second factor.
anomaly-advice-guessing-admin = Nobody got in by these. Look at where they came from; lock the account if somebody is close, and let admins work from known addresses only (the setting admin.allow).
anomaly-advice-spraying = Look at whose accounts were tried and whether one of them signed in from there. Block the network in front of the server, and ask everybody for a second factor.
anomaly-advice-key = If nobody who uses the key can explain it, revoke it, or bind it to the networks that it is used from.
anomaly-do-sessions = End your other sessions
anomaly-do-password = Change your password
anomaly-do-lock = Lock the account or end its sessions
anomaly-do-audit = See it in the audit log
anomaly-do-key = Revoke or rotate the key
anomaly-do-bind = Bind the key to networks

anomaly-watched = What is watched
anomaly-watched-sign-in = Sign-ins: a browser that this person never used, or a network (IPv4 /24, IPv6 /48) from which they did not sign in for 90 days. The first sign-in of all is not told.
anomaly-watched-failures = Failures: 10 wrong passwords or second factors for one person within an hour, or failed sign-ins for 8 people from one network. Once a day, and again when it doubles.
anomaly-watched-keys = Keys: a network that is new for the key in 90 days, unless it is bound to networks, and use after 90 days of silence. The first use is not told.
anomaly-watched-tasks = Tasks of a key: at least 20 in an hour and three times its busiest hour of the last 30 days, or an hour of the week at which it submitted none in the last 8 weeks, where its habits are plain enough to tell.

anomaly-own-title = Unusual
anomaly-own-lead = What was not as usual with your account, your keys and those that you answer for.
overview-anomalies = { $n ->
    [one] One unusual thing waits for somebody to look at it.
   *[other] { $n } unusual things wait for somebody to look at them.
}
news-anomaly = See why, and what to do
happened-new-place = Somebody signed in to your account from a new place
happened-many-failures = There were many wrong passwords or second factors for your account
happened-key-anomaly = A key was used in an unusual way
happened-key-ends-soon = A key ends in two weeks; put another in its place in time
audit-event = Security event
