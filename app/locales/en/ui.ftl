# Page frame, navigation and shared components.

product = Castellan
title = { $page } · Castellan
skip = Skip to content

nav-label = Main
nav-menu = Menu
nav-work = Work
nav-execution = Execution
nav-people-group = People
nav-audit-group = Audit
nav-overview = Overview
nav-tasks = Tasks
nav-approvals = Approvals
nav-runners = Runners
nav-rules = Rules
nav-organizations = Organizations
nav-people = People
nav-keys = API keys
nav-audit = Audit log
nav-browser-sessions = Browser sessions
nav-waiting = {" "}waiting for your decision
trail = Breadcrumb

theme = Theme
theme-system = System
theme-light = Light
theme-dark = Dark

search = Search
search-everything = Search everything
search-lead = Searches tasks by title or ID, organizations, runners and pages by name, and people if you can manage them.
search-pages = Pages
search-none = No matches
search-failed = Search failed because the server did not respond. Try again.
search-none-text = Nothing that you have access to matches this search. Try another word.
search-all-tasks = Search all tasks
search-help = Arrow keys to select, Enter to open, Escape to close.
switch = Switch organization
organization-switch-all = All organizations
keys = Keyboard shortcuts
keys-show = Show keyboard shortcuts
keys-close = Close
keys-single = Single-key shortcuts (? and g …)
discard = Discard changes
never = Never
none = None
copy = Copy
copied = Copied
hidden-character = Hidden character { $name }
must-be-checkbox = must be checked or unchecked
must-be-number = must be a whole number
must-be-hour = must be an hour, 0 to 23
must-be-listed = must be one of the list
errors-title = { $n ->
    [one] Correct 1 error:
   *[other] Correct { $n } errors:
}
secret-stored = I have stored it

live-newer = { $n } newer · Show
live-reload = Reload page

pager = List pages
pager-newest = Newest
pager-newer = Newer
pager-older = Older

time-now = just now
time-seconds-ago = { $n } seconds ago
time-minutes-ago = { $n ->
    [one] 1 minute ago
   *[other] { $n } minutes ago
}
time-hours-ago = { $n ->
    [one] 1 hour ago
   *[other] { $n } hours ago
}
time-days-ago = { $n } days ago
time-in-seconds = in { $n } seconds
time-in-minutes = { $n ->
    [one] in 1 minute
   *[other] in { $n } minutes
}
time-in-hours = { $n ->
    [one] in 1 hour
   *[other] in { $n } hours
}
time-in-days = in { $n } days

not-found-title = Not found
not-found-home = Go to overview
forbidden-title = Access denied
unavailable-title = Temporarily unavailable
notice-admin-blocked = Admin permissions are not available from this network, so you have only member permissions here. Use a network listed in the setting admin.allow, or the server console.
notice-self-signed = The TLS certificate is self-signed, so browsers show a warning. Set tls.certificate and tls.key to a trusted certificate.
notice-broken-certificate = The new TLS certificate could not be loaded, and the previous one is still in use: { $why }. Replace the files. They are loaded automatically.
notice-backup-failed = The last scheduled backup failed. Ask the operator to check the server log. The server tries again within ten minutes.
notice-certificate-ends = The TLS certificate expires in { $days } days. Replace the files. They are loaded automatically.
notice-disk-full = The server disk is full. Changes are refused until the operator frees disk space. Saved data is intact.
notice-database-locked = The database was locked by another program and refused changes at { $at }. Saved data is intact. If a change is refused, submit it again.

pager-first = First
pager-next = Next
live-lost = Live updates have stopped. Reload to continue.
live-paused = Live updates are paused for a few seconds because other windows use this browser's connections. Use this window to resume them now.
list-ends = Only the first { $n } entries are shown.

done-all-sessions-ended = All other people were signed out.
done-sessions-ended = All sessions of this person were ended.
done-factors-reset = The second factors of this person were removed and their sessions were ended.
done-address-requested = A confirmation link was sent to the new address. Nothing changes until it is opened.
done-change-requested = Requested. The change takes effect when another admin or owner confirms it on the page Approval settings. Those who can were notified.
done-change-confirmed = Confirmed. The change has taken effect.
done-password-changed = Your password was changed and your other sessions were ended.
