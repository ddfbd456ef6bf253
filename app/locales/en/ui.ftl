# The frame and the components.

product = Castellan
title = { $page } · Castellan
skip = Skip to content

nav-label = Main
nav-menu = Menu
nav-work = Work
nav-execution = Reach
nav-organized = People
nav-proof = Proof
nav-account = Account
nav-overview = Overview
nav-tasks = Tasks
nav-approvals = Approvals
nav-runners = Runners
nav-rules = Rules
nav-organizations = Organizations
nav-people = People
nav-keys = API keys
nav-audit = Audit
nav-browser-sessions = My sessions
nav-waiting = {" "}waiting for you
trail = You are here

theme = Colors
theme-system = System
theme-light = Light
theme-dark = Dark

search = Search
search-everything = Search everything
search-lead = Finds tasks by title or id, organizations, runners and pages by name, and people for those who manage them.
search-pages = Pages
search-none = Nothing was found
search-failed = The search could not be made: the server did not answer. Try again.
search-none-text = Nothing that you may see has this in its name.
search-all-tasks = Search all tasks
search-help = Arrow keys choose, Enter opens, Escape closes.
switch = Shown organization
switch-all = All organizations
keys = Keys
keys-show = Show the keys
keys-close = Close
keys-single = Single keys: ? and g …
discard = Discard changes
never = never
none = none
copy = Copy
copied = Copied
hidden-character = Hidden character { $name }
must-be-number = must be a whole number
errors-title = { $n ->
    [one] One thing has to be put right:
   *[other] { $n } things have to be put right:
}
secret-stored = I have stored it

live-newer = { $n } newer · show
live-reload = Reload for newer

pager = Pages of the list
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

refused-unavailable = The server could not do this now. Nothing was changed. Try again in a moment; if it stays so, ask an administrator to look into the server’s log.
refused-busy = The database is busy. Nothing was changed. Try again in a moment.
refused-full = The server’s disk is full, and nothing was changed. An administrator has to make room.
refused-signed-out = Sign in first.
refused-not-found = There is nothing here, or nothing that you may see.
not-found-title = Not found
not-found-home = Go to the overview
forbidden-title = Not allowed
unavailable-title = Not available now
notice-held-off = Admin work is not allowed from this address: here you are an ordinary member. Use an address that the setting admin.allow names, or the console.
notice-self-signed = The TLS certificate is self-signed, so browsers warn of it. Set tls.certificate and tls.key for one that they know.
notice-broken-certificate = The new TLS certificate cannot be used, and the old one stays in force: { $why }. Put the right files there; they are taken up by themselves.
notice-certificate-ends = The TLS certificate ends in { $days } days. Put a new one in its place; it is taken up by itself.
notice-disk-full = The server’s disk is full: nothing can be changed until an administrator has made room. What was saved is there, and what you send now is refused as a whole.
notice-nothing-saved = The database took no change at { $at }, because something else holds it. What was saved is there, and what you send now may be refused as a whole: then send it again.
admins-only = Only an admin of the tenant may do this.

pager-first = First
pager-next = Next
live-lost = This page does not follow any more what happens: the connection is gone, or your session has ended.
list-ends = The list ends after { $n }.

said-all-sessions-ended = Everybody but you has been signed out.
said-sessions-ended = All sessions of this person have been ended.
said-factors-reset = The second factors of this person have been removed, and their sessions ended.
said-address-asked = A mail is on its way to the new address. Nothing changes until the link in it is followed.
said-password-changed = Your password has been changed, and your other sessions ended.
