# Approval requests: the queue and the page of one request.
approvals-lead = Tasks that need approval before they run. Open an approval request to see exactly what would run and to decide it.
approvals-filter = Filter approval requests
approvals-all = All
approvals-for-me = For me
approvals-empty-for-me = No approval requests for you
approvals-empty-for-me-text = Requests that you can decide appear here, oldest first. Your own requests and those that you have decided are not among them.
approvals-no-approver = You are not an approver
approvals-no-approver-text = Owners and approvers of an organization decide its requests. An owner or an admin can give you the role. Your own requests are listed under Pending.
approvals-empty = No pending approval requests
approvals-empty-text = An approval request appears here when a rule requires approval for a task. Your own requests are listed too, but someone else must decide them, unless an admin allows otherwise.
approvals-see-rules = View rules
approvals-none-match = No matches
approvals-none-match-text = No approval request matches these filters.
approvals-show-waiting = Show pending requests

approval-state-waiting = Pending
approval-state-approved = Approved
approval-state-denied = Denied
approval-state-expired = Expired
approval-state-withdrawn = Withdrawn

approval-requester = Requested by
approval-rule = Rule
approval-reach = Network
approval-lead = Requested by { $requester } in { $organization }
approval-about = About the request
approval-no-purpose = No purpose was given.
approval-risk-hidden = Hidden characters
approval-risk-key = Submitted with an API key
approval-reach-unrestricted = The task can reach everything that the runner can reach, and its connections are not recorded.
approval-expires = Expires
approval-decided = Closed
approval-time-left = Expires or closed
approval-count-short = { $given } of { $needed }
approval-count = { $given } of { $needed } approvals
approval-left = { $left } left
approval-minute-left = Less than a minute left
approval-deadline = until { $at }
deciders-or = { $first } or { $last }
deciders-others = { $n ->
    [one] 1 other
   *[other] { $n } others
}
deciders-can = { $names } can decide.
deciders-you-too = You can decide, and so can { $names }.
deciders-only-you = Only you can decide.
deciders-nobody = Nobody can approve this.
deciders-too-few = { $n } more approvals are required, but too few people can decide.
deciders-invite = Invite an approver
approval-decision = Decision
approval-decision-approved = Approved
approval-decision-denied = Denied
approval-decision-own = Own request
approval-own-allowed = This is your own request. This tenant allows approvers to decide their own requests, and the decision is recorded as such.
approval-view-task = View task
approval-back = Back to approvals
approval-watch = Watch it run
approval-next = Next request

approval-script-help = The complete script. Invisible characters and characters that change how text is displayed are shown as code points.
approval-request = Request
approval-request-help = Everything that determines what this task does, one value per line.
approval-bytes = Exact bytes
approval-bytes-help = The canonical request. The digest below is the SHA-256 of these bytes. Your decision applies to these bytes only, and to one run.

approval-reason = Reason
approval-reason-help = Required to deny. The requester can read it.
approval-consequence = Deny ends the task. After enough approvals, a runner runs exactly this request, once. Decisions cannot be undone. The decision and its reason (up to 1,000 characters) stay in the audit log permanently.
approval-deny = Deny request
approval-approve = Approve request
approval-approve-passkey = Approve request with passkey
approval-needs-passkey = Each approval requires the approver’s passkey.
approval-no-passkey = You need a passkey that works on this host to approve this request.
approval-add-passkey = Add a passkey
approval-evidence-server = Recorded by the server, without a passkey.
approval-evidence-passkey = Verified with the passkey “{ $name }”.
approval-evidence-removed-passkey = The passkey was removed and can no longer be verified. The server recorded the decision.
approval-evidence-invalid = The passkey signature is invalid: the decision was changed outside Castellan. Run castellan audit verify.

approval-is-approved = Approved.
approval-is-denied = Denied.
approval-is-expired = This request expired without a decision and counts as denied. The task can be submitted again.
approval-is-withdrawn = The task was cancelled. No decision is needed.
approval-answered = You have decided this request. It still needs approval from others.

changes = Changes since the last approval
changes-never = Not approved before
changes-never-text = No earlier request with the same title or the same first commands by this requester has been approved in this organization. Review all of it.
changes-same = No changes
changes-same-script = Same script, different request
changes-differ = Changed
changes-since-rerun = compared with the request that it repeats, approved { $time }
changes-since-title = compared with the last approved request with the same requester, title and tool, approved { $time }
changes-since-beginning = compared with the last approved request of the same requester whose script begins with the same commands, approved { $time }
changes-size = +{ $added } −{ $removed }
changes-script = Changes in the script
changes-request = Changes in the request
changes-skipped = { $n ->
    [one] … 1 unchanged line
   *[other] … { $n } unchanged lines
}
changes-too-long = The script differs. With { $lines } lines it is too long for a line-by-line comparison (limit: { $most }). Review all of it below.

# The approval settings of the tenant.
approval-settings-title = Approval settings
approval-settings-lead = Who can decide approval requests, and what protects approvals from a single person.
approval-settings-self = Own requests
approval-settings-self-off = Nobody can decide their own requests, those of service accounts that they are responsible for, or those made with API keys that they created.
approval-settings-self-on = Approvers can decide their own requests in a browser. Such a decision counts as one approval, is marked on the request, and is recorded in the audit log. API keys cannot do this.
approval-settings-self-allow-open = Allow own approvals…
approval-settings-self-allow-consequence = Approvers can then approve tasks that they submit themselves. Tasks submitted before are not affected. All admins and owners are notified.
approval-settings-self-allow = Allow own approvals
approval-settings-self-forbid-open = Require another person…
approval-settings-self-forbid-consequence = Approvals of own requests no longer count, also for tasks in the queue that have not started. All admins and owners are notified.
approval-settings-self-forbid = Require another person
approval-settings-holds = Holds
approval-settings-holds-help = For 24 hours after a person makes an account an approver, creates it or gains access to it, the two do not decide each other’s requests, and neither do two accounts with the same person in this list. Holds apply in tenants with at least two admins or owners.
approval-settings-holds-empty = No holds. A hold starts when someone makes an account an approver or gains access to it.
approval-settings-hold-account = Account
approval-settings-hold-maker = Requester
approval-settings-hold-cause = Cause
approval-settings-hold-until = Expires
approval-settings-hold-lift-open = Lift hold…
approval-settings-hold-lift-consequence = The account can then decide this person’s requests at once. All admins and owners are notified.
approval-settings-hold-lift = Lift hold
hold-cause-creation = Account created
hold-cause-invitation = Invitation accepted
hold-cause-role = Role given
hold-cause-password-link = Password link created
hold-cause-factors-reset = Second factors reset
hold-cause-address = Address replaced

approval-settings-dual = Dual control
approval-settings-dual-on = A second admin confirms new approvers, owners and admins, password links for them, resets of their second factors or address, weaker approval settings, and less strict rules. An owner of the organization can confirm a new approver or owner there. Changes take effect at once if nobody is left to confirm them. Pending changes expire after 7 days.
approval-settings-dual-off = Every admin can make approvers, create password links for them, and reset their second factors alone. All admins and owners are notified.
approval-settings-dual-enable-open = Turn on dual control…
approval-settings-dual-enable-consequence = From then on, these changes wait until another admin or owner confirms them.
approval-settings-dual-enable = Turn on dual control
approval-settings-dual-disable-open = Turn off dual control…
approval-settings-dual-disable-consequence = If there is another admin, they must confirm this. After that, every admin can make approvers alone.
approval-settings-dual-disable = Turn off dual control
confirmations = Pending changes
confirmations-empty = No pending changes. Changes that need a second admin or owner appear here.
confirmation-change = Change
confirmation-person = Account
confirmation-requester = Requester
confirmation-expires = Expires
confirmation-confirm-open = Confirm change…
confirmation-confirm-rules-consequence = The rules take effect at once. Check the changes first.
confirmation-confirm-consequence = The change takes effect at once. Ask the person concerned first, on another channel.
confirmation-confirm-link-consequence = You get the password link and hand it to the person concerned. Anyone who has it can sign in as them.
confirmation-confirm = Confirm change
confirmation-decline = Decline change
confirmation-withdraw = Withdraw change
confirmation-link-title = Password link
confirmation-link-text = Hand this link to the person concerned. It works once, for 72 hours, and is shown only now.
change-membership = New role in an organization: { $role }
change-tenant-role = New role in the tenant: { $role }
change-password-link = Password link
change-factors-reset = Reset of second factors
change-address = New email address: { $email }
change-allow-self-approval = Allow own approvals
change-disable-dual-control = Turn off dual control
change-loosen-rules = Less strict rules, in place of version { $version }
change-loosen-rules-show = Show changes
