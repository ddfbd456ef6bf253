# Tasks: list, form, page.
count-capped = 1,000+
count-more = { $n }+

tasks-lead = Scripts that agents and people asked to run, newest first. You see your own, and those that others share with you.
tasks-narrow = Narrow the list
tasks-narrow-text = Words in the title
tasks-narrow-label = Label (key=value)
tasks-narrow-any = All
tasks-narrow-state = Narrow by state
tasks-mine = Mine
tasks-empty = No tasks yet
tasks-empty-text = A task is a script that runs in a sandbox: with the limits that you give it, the network that the rules allow, and a record of all that happened. Submit the first one.
tasks-none-match = No task matches
tasks-none-match-text = There are no tasks here that fit everything you narrowed by.
tasks-show-all = Show all tasks

task-title = Title
task-title-help = A line to recognize it by. Left empty, it is the script’s first line that says something.
task-state = State
task-organization = Organization
task-organization-help = Its approvers are asked where a rule asks.
task-organization-choose = choose one of your organizations
task-owner = Submitted by
task-key = With key
task-network = Network
task-network-help = No network is the safe choice: nothing leaves the sandbox. Without restriction it reaches everything that its runner reaches.
task-submitted = Submitted
task-started = Started
task-ended = Ended
task-runner = Runner
task-attempt = Start
task-attempt-of = { $n } of at most { $max }
task-not-yet = Not yet
task-rule = Rule
task-sandbox = Sandbox
task-id = Task
task-facts = Facts about this task
task-visibility = Who sees it
task-visibility-help = Admins and auditors see every task. Approvers see what asks for approval.
task-visibility-private = Only you
task-visibility-org = Its organization
task-visibility-public = Everybody here
task-priority = Priority
task-priority-low = Low: after the others
task-priority-normal = Normal
task-priority-high = High: before the others
task-labels = Labels
task-labels-help = One key=value on each line, at most 16. For finding it again.
task-script = Script
task-script-help = Run by bash in an empty work folder. Up to 256 KiB.
task-request = Exact request
task-request-help = Everything that changes what this task does, in its one canonical form. The request digest is the SHA-256 of exactly these bytes; the runner refuses to run anything else.
task-request-digest = Request digest

task-new = New task
task-new-lead = A script, where it may reach, and how much it may use. You see what the rules will do with it before you submit.
task-new-nowhere = You cannot submit tasks yet
task-new-nowhere-text = Tasks belong to an organization, and you are not a member of any. An owner of an organization or an admin can make you one.
task-submit = Submit task
task-will = When you submit, the rules as they are now decide:
task-will-run = runs at once (rule “{ $rule }”).
task-will-refuse = is refused (rule “{ $rule }”).
task-will-ask = asks { $n ->
    [one] one approver
   *[other] { $n } approvers
 } of the organization, who { $n ->
    [one] has
   *[other] have
 } { $hours } h (rule “{ $rule }”).

task-limits = Limits
task-limits-sentence = May use { $memory } MiB of memory, { $cores }, { $processes } processes and { $disk } MiB of disk, for at most { $time }.
task-limit-time = Time (seconds)
task-limit-time-help = 1 to 86,400
task-limit-memory = Memory (MiB)
task-limit-memory-help = 16 to 65,536
task-limit-cpu = Processor
task-limit-cpu-help = 50 to 64,000 thousandths of a core
task-limit-processes = Processes
task-limit-processes-help = 2 to 4,096
task-limit-disk = Work folder (MiB)
task-limit-disk-help = 1 to 65,536
task-limit-number = must be a whole number
task-core = 1 processor core
task-cores = { $n } processor cores
task-unit-hours = h
task-unit-minutes = min
task-unit-seconds = s

task-state-submitted = Submitted
task-state-awaiting-approval = Awaiting approval
task-state-queued = Queued
task-state-assigned = Starting
task-state-running = Running
task-state-succeeded = Succeeded
task-state-failed = Failed
task-state-cancelled = Cancelled
task-state-timed-out = Timed out
task-state-denied = Denied
task-state-expired = Expired
task-state-lost = Lost

task-reach-isolated = Runs in a sealed sandbox without network.
task-reach-allow-list = Runs in a sandbox that reaches the named hosts only.
task-reach-proxy = Runs in a sandbox that reaches every host, through the recorded proxy.
task-reach-unrestricted = Runs in a sandbox with the runner’s own network: it reaches everything that the runner reaches, unrecorded.
task-summary-files = Can write only to its own work folder, which is deleted afterwards. Sees no secrets.

task-end-exited = Ended with exit status { $status }
task-end-signaled = Ended by signal { $signal }
task-end-timed-out = Stopped at its time limit
task-end-cancelled = Stopped because somebody cancelled it
task-end-out-of-memory = Stopped because it used more memory than it may
task-end-not-started = Could not be started: { $why }

task-cancel-open = Cancel…
task-cancel = Cancel task
task-cancel-asked = The task will not run, and its request leaves the approval queue. This cannot be undone; you can submit it again.
task-cancel-queued = The task will not run. This cannot be undone; you can submit it again.
task-cancel-running = The runner kills every process of the task. What it printed so far stays; its work folder is deleted. This cannot be undone.
task-again = Run again

task-next-approval = Waits for an answer to its request.
task-next-runner = Waits for a runner that is free.
task-next-start = The runner prepares the sandbox.
task-next-stop = The runner was told to stop it.
task-next-end = Runs now.
task-asked-waiting = See its request: { $given } of { $needed } approvals given
task-asked-settled = See its request and the answers

task-step-submitted = Submitted by { $who }
task-step-asked = Asked { $n ->
    [one] one approver
   *[other] { $n } approvers
 } (rule “{ $rule }”)
task-step-refused-by-rule = Refused by the rule “{ $rule }”
task-step-let-run = Allowed to run by the rule “{ $rule }”
task-step-approved = Approved by { $who }
task-step-denied = Denied by { $who }
task-step-expired = Expired: nobody decided in time
task-step-cancelled = Cancelled by { $who }
task-step-assigned = Given to the runner { $runner }
task-step-assigned-again = Given to the runner { $runner } (start { $attempt })
task-step-assigned-before = Given to a runner (start { $attempt })
task-step-started = Started
task-step-not-started = Not started: { $why }
task-step-released = Taken back: its runner was gone
task-step-stopped = Stopped by { $who }, together with other tasks
task-step-owner-left = Cancelled: who submitted it is not in the organization any more
task-step-owner-locked = Cancelled: who submitted it is locked out
task-step-ended = { $how }

task-log = Output
task-log-wrap = Wrap lines
task-log-times = UTC times
task-log-download = Download
task-log-none = It printed nothing.
task-log-none-yet = Nothing has been printed yet.
task-log-pages = Parts of the output
task-log-shown = Lines { $first } to { $last } of { $of }
task-log-earlier = Earlier lines
task-log-later = Later lines
task-log-reload = Reload for newer lines
task-log-find = Find in the output
task-log-seek = Find
task-log-next = Next
task-log-before = Previous
task-log-found = { $at } of { $n } lines
task-log-places = { $n ->
    [one] One line has it:
   *[other] { $n } lines have it:
}
task-log-nowhere = No line has it.
task-log-seeking = Searching…
task-log-failed = The server did not answer. Try again.
task-log-start = Start
task-log-end = End
task-log-follow = Follow the end
task-log-copy = Copy all
task-log-copy-chosen = Copy lines { $first }–{ $last }
task-log-live = Live
task-log-ended = Complete
task-log-lost = Connection lost; trying again

task-receipt = How it ended
task-receipt-holds = Signature verified
task-receipt-holds-text = The runner signed that it ran exactly this request, and how it ended.
task-receipt-broken = Signature does not fit
task-receipt-broken-text = The receipt was changed, or is of another runner or request. Do not rely on it, and tell an admin.
task-receipt-unchecked = Signature not checked
task-receipt-unchecked-text = The key of the runner is not known here.
task-output-lines = Lines kept
task-output-bytes = Bytes printed
task-output-digest = Output digest
task-trail = Audit trail
