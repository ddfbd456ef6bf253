# Tasks: list, form and detail page.
count-capped = 1,000+
count-more = { $n }+

tasks-lead = Scripts submitted by agents and people, newest first. You see your own tasks and tasks shared with you.
tasks-filter = Filter tasks
tasks-filter-text = Words in the title
tasks-filter-label = Label (key=value)
tasks-filter-label-invalid = The list is not filtered by label. Enter the label as key=value, for example env=prod.
tasks-filter-any = All
tasks-filter-state = Filter by state
tasks-mine = Mine
tasks-empty = No tasks yet
tasks-empty-text = A task runs a script in a sandbox, with the resource limits that you set, the network access that the rules allow and a full record. Submit your first task.
tasks-none-match = No matches
tasks-none-match-text = No task matches these filters.
tasks-show-all = Show all tasks

task-title = Title
task-title-help = If empty, the comment at the beginning of the script is used, or else its first command. A task that needs approval needs a title or such a comment.
task-purpose = Purpose
task-purpose-help = Why the task should run, for the people who approve it. A rule can require it.
task-ticket = Ticket
task-ticket-help = Optional. The URL of an issue or a change request.
task-state = State
task-organization = Organization
task-organization-help = Its approvers decide if approval is required.
task-organization-choose = choose one of your organizations
task-owner = Submitted by
task-key = API key
task-network = Network
task-network-help = Isolated is the safest choice: the sandbox has no network. Unrestricted gives access to everything that the runner can reach.
task-submitted = Submitted
task-started = Started
task-ended = Ended
task-runner = Runner
task-rerun-of = Repeats
task-attempt = Attempt
task-attempt-of = { $n } of { $max }
task-not-yet = Not yet
task-rule = Rule
task-sandbox = Sandbox
task-id = Task ID
task-facts = Task details
task-visibility = Visibility
task-visibility-help = Admins and auditors can view every task. Approvers can view tasks that require approval.
task-visibility-private = Private
task-visibility-org = Organization members
task-visibility-public = Everyone in the tenant
task-priority = Priority
task-priority-low = Low: runs after other tasks
task-priority-normal = Normal
task-priority-high = High: runs before other tasks
task-labels = Labels
task-labels-help = One key=value per line, up to 16. Used to filter tasks.
task-script = Script
task-script-help = Runs with bash in an empty working directory. Up to 256 KiB.
task-request = Canonical request
task-request-help = Everything that determines what this task does. The request digest is the SHA-256 of exactly these bytes. The runner refuses to run anything else.
task-request-digest = Request digest

task-new = New task
task-new-lead = A script with its network access and resource limits. The form shows what the rules decide before you submit.
task-new-no-organization = You cannot submit tasks yet
task-new-no-organization-text = A task belongs to an organization, and you are not a member of one. An organization owner or an admin can add you.
task-submit = Submit task
task-will = With the current rules, this task:
task-will-run = runs immediately (rule “{ $rule }”).
task-will-refuse = is refused (rule “{ $rule }”).
task-will-ask = requires { $n ->
    [one] 1 approval
   *[other] { $n } approvals
 } from approvers of the organization within { $hours ->
    [one] 1 hour
   *[other] { $hours } hours
 } (rule “{ $rule }”).
task-will-ask-purpose = A purpose is required.
task-approvers = { $names } can approve tasks in { $organization }.
task-approvers-none = Nobody can approve your tasks in { $organization }.
task-will-ask-passkey = Each approval requires the approver’s passkey.

task-limits = Limits
task-limits-sentence = Can use { $memory } MiB of memory, { $cores }, { $processes } processes and { $disk } MiB of disk, for at most { $time }.
task-limit-time = Timeout (seconds)
task-limit-time-help = 1 to 86,400
task-limit-memory = Memory (MiB)
task-limit-memory-help = 16 to 65,536
task-limit-cpu = CPU (millicores)
task-limit-cpu-help = 50 to 64,000
task-limit-processes = Processes
task-limit-processes-help = 2 to 4,096
task-limit-disk = Disk (MiB)
task-limit-disk-help = 1 to 65,536
task-limit-number = must be a whole number
task-core = 1 CPU core
task-cores = { $n } CPU cores
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

task-reach-isolated = Runs in a sandbox without network access.
task-reach-allow-list = Runs in a sandbox that can reach only the listed hosts.
task-reach-proxy = Runs in a sandbox that can reach every host through the audited proxy.
task-reach-unrestricted = Runs in a sandbox, but with the network of the runner’s machine. It can reach everything that the runner can reach, and its connections are not recorded: the internet, the internal network, services that listen only on that machine, the Castellan server and its runner port, network ports of other unrestricted tasks, and the metadata address of a cloud, which may hand out credentials.
task-summary-files = Can write only to its own working directory, which is deleted afterwards. Has no access to secrets.

task-end-exited = Ended with exit status { $status }
task-end-signaled = Ended by signal { $signal }
task-end-timed-out = Stopped at its timeout
task-end-cancelled = Stopped because it was cancelled
task-end-out-of-memory = Stopped because it exceeded its memory limit, which includes files in /tmp
task-out-of-memory = At least one of its processes was stopped at the memory limit, which includes files in /tmp.
task-end-not-started = Could not be started: { $why }

task-cancel-open = Cancel task…
task-cancel = Cancel task
task-cancel-awaiting-approval = The task will not run, and its approval request is withdrawn. This cannot be undone. You can submit the task again.
task-cancel-queued = The task will not run. This cannot be undone. You can submit the task again.
task-cancel-running = The runner kills all processes of the task. Its output is kept and its working directory is deleted. This cannot be undone.
task-run-again = Run again

task-next-approval = Waiting for approval.
task-next-runner = Waiting for an available runner.
task-pending-tenant-frozen = The tenant is frozen, so no task starts.
task-pending-no-runner-connected = No runner is connected.
task-pending-tool-missing = No connected runner has the tool { $tool }.
task-queue-expires = The task expires { $time } unless a runner that can take it connects.
task-next-start = The runner is preparing the sandbox.
task-next-stop = The runner is stopping the task.
task-next-end = Running.
task-approval-waiting = View approval request: { $given } of { $needed } approvals
task-approval-settled = View approval request and decisions

task-step-submitted = Submitted by { $who }
task-step-approval-requested = Approval requested: { $n ->
    [one] 1 approval
   *[other] { $n } approvals
 } required (rule “{ $rule }”)
task-step-refused-by-rule = Refused by the rule “{ $rule }”
task-step-allowed = Allowed by the rule “{ $rule }”
task-step-approved = Approved by { $who }
task-step-denied = Denied by { $who }
task-step-expired = Expired without a decision
task-step-queue-expired = Expired in the queue: { $why }
task-step-cancelled = Cancelled by { $who }
task-step-assigned = Assigned to runner { $runner }
task-step-assigned-again = Assigned to runner { $runner } (attempt { $attempt })
task-step-assigned-before = Assigned to a runner (attempt { $attempt })
task-step-started = Started
task-step-not-started = Not started: { $why }
task-step-released = Returned to the queue: runner lost
task-step-stopped = Stopped by { $who }, together with other tasks
task-step-owner-left = Cancelled: the submitter left the organization
task-step-owner-locked = Cancelled: the account of the submitter was locked
task-step-owner-demoted = Cancelled: the submitter may no longer submit tasks
task-step-key-revoked = Cancelled: the API key that submitted it was revoked
task-step-rejected = Not started: the task differs from what was signed ({ $why }). It was changed in the database, outside Castellan
task-step-refused-now = Refused by the rule “{ $rule }”, which changed after the submission
task-step-returned-by-new-rules = Returned for approval: the rules changed. The rule “{ $rule }” requires { $n ->
    [one] one approval
   *[other] { $n } approvals
}
task-step-approval-lost = Returned for approval: an approver may no longer approve. The rule “{ $rule }” requires { $n ->
    [one] one approval
   *[other] { $n } approvals
}
task-step-ended = { $how }
task-step-altered = Audit event { $seq } of this task was altered

task-log = Output
task-log-wrap = Wrap lines
task-log-times = UTC times
task-log-download = Download
task-never-ran = This task did not run, so it has no output.
task-log-none = The task produced no output.
task-log-none-yet = No output yet. Lines appear here while the task runs.
task-output-deleted = The output was deleted on { $at } under the retention policy.
task-result-deleted = The result and the receipt were deleted on { $at } under the retention policy.
task-log-pages = Output pages
task-log-print = The printed page has the part of the output that was on screen. The complete output can be downloaded from { $path }.
task-log-shown = Lines { $first } to { $last } of { $of }
task-log-earlier = Earlier lines
task-log-later = Later lines
task-log-reload = Reload output
task-log-find = Find in output
task-log-search = Find
task-log-next = Next
task-log-previous = Previous
task-log-found = { $at } of { $n } matches
task-log-matches = { $n ->
    [one] 1 matching line:
   *[other] { $n } matching lines:
}
task-log-no-matches = No matches
task-log-seeking = Searching…
task-log-failed = The search failed. Try again.
task-log-start = Go to start
task-log-end = Go to end
task-log-follow = Follow output
task-log-copy = Copy all
task-log-copy-chosen = Copy lines { $first }–{ $last }
task-log-live = Live
task-log-ended = Output complete. { $end }
task-log-lost = Connection lost. Reconnecting…
task-log-paused = Paused

task-receipt = Receipt
task-receipt-verified = Signature verified
task-receipt-verified-text = The runner signed that it ran exactly this request and how the task ended.
task-receipt-broken = Invalid signature
task-receipt-broken-text = The receipt was changed, or it belongs to another runner or request. Do not rely on it. Contact an admin.
task-receipt-unchecked = Signature not checked
task-receipt-unchecked-text = The public key of the runner is not available.
task-output-lines = Stored lines
task-output-bytes = Output bytes
task-replaced-bytes = Replaced bytes
task-replaced-bytes-of = { $n ->
        [one] 1 byte was not UTF-8 and is stored as �
       *[other] { $n } bytes were not UTF-8 and are stored as �
    }
task-output-digest = Output digest
task-trail = Audit trail
