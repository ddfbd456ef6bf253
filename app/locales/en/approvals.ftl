# Approvals: queue and request.
approvals-lead = Requests to run something that a rule does not let run by itself. Open one to see exactly what would run, and to answer it.
approvals-narrow = Narrow the queue
approvals-all = All
approvals-empty = Nothing waits
approvals-empty-text = Requests appear here when a rule asks for approval. What you asked for yourself is here too, but others must answer it.
approvals-see-rules = See the rules
approvals-none-match = No such request
approvals-none-match-text = There are no requests here that fit what you narrowed by.
approvals-show-waiting = Show what waits

approval-state-waiting = Waiting
approval-state-approved = Approved
approval-state-denied = Denied
approval-state-expired = Expired
approval-state-withdrawn = Withdrawn

approval-requester = Requested by
approval-rule = Rule that asked
approval-reach = Reach
approval-expires = Expires
approval-settled = Settled
approval-time-left = Expires or settled
approval-given-short = { $given } of { $needed }
approval-given = { $given } of { $needed } approvals given
approval-until = Expires, and is then denied,
approval-decision = Decision
approval-said-yes = Approved
approval-said-no = Denied
approval-see-task = See the task
approval-back = Back to the queue

approval-script-help = Complete. Characters that would not be seen, or that change how text looks, stand out by their code.
approval-request = Request
approval-request-help = Everything that changes what this task does, one value on each line.
approval-bytes = Exact bytes
approval-bytes-help = What the digest below is the SHA-256 of. Your answer holds for these bytes only, and for one use.

approval-reason = Reason
approval-reason-help = Needed to deny. The requester reads it.
approval-consequence = Denying ends the task. Approving lets a runner run exactly this request, once, when enough people have approved it. Neither can be undone. Answer and reason (up to 1,000 characters) stay in the audit log for good.
approval-deny = Deny
approval-approve = Approve

approval-is-approved = This request has been approved. There is nothing left to decide.
approval-is-denied = This request has been denied. There is nothing left to decide.
approval-is-expired = Nobody decided this request in time, so it counts as denied. The task can be submitted again.
approval-is-withdrawn = The task was cancelled, so there is nothing left to decide.
approval-answered = You have answered. Others must answer too before it runs.

changes = Compared with what was approved before
changes-never = Never approved before
changes-never-text = No request of this requester with this title and tool has been approved in this organization. Read all of it.
changes-same = Nothing changed
changes-same-script = Same script, another request
changes-differ = Changed
changes-since = since a request like it, of the same requester, title and tool, was approved
changes-script = Changes in the script
changes-request = Changes in the request
changes-skipped = { $n ->
    [one] … 1 line that is the same
   *[other] … { $n } lines that are the same
}
changes-too-long = It differs. With { $lines } lines it is too long to be compared line by line here (at most { $most }): read all of it below.
