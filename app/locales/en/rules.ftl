# Rules.

rules-lead = Rules decide what happens to a submitted task. The first matching rule applies.
rules-labels = Rules with labels only add to what the rules without labels require.
rules-last-change = Version { $version } by { $name },
rules-no-author = the system
rules-proposed = { $name } requested less strict rules. Another admin must confirm the change.
rules-otherwise = If no rule matches, the task requires one approval from an approver of its organization within 24 hours.
rules-change = Edit rules
rules-change-lead = Nothing changes until you review and save the rules.
rules-consequence = Saved rules apply to tasks that are submitted afterwards. The change is recorded in the audit log.
rules-review = Review changes
rules-review-title = Review rule changes
rules-review-lead = Check what changes before you save the rules.
rules-edit-more = Edit rules
rules-changes = Changes
rules-changes-since = Changes since version { $version }
rules-unchanged = The rules are the same.
rules-added = Added:
rules-removed = Removed:
rules-not-looser = The new rules are at least as strict for every task.
rules-looser = The new rules may permit something that the rules in force do not permit.
rules-looser-confirmation = If there is another admin, they must confirm the change before it takes effect.
rules-impact = Effect on the last 7 days
rules-impact-none = No tasks were submitted in the last 7 days.
rules-impact-count = { $n ->
    [0] None of { $tried } tasks would have had another verdict.
    [one] 1 of { $tried } tasks would have had another verdict.
   *[other] { $n } of { $tried } tasks would have had another verdict.
}
rules-impact-capped = Only the last { $limit } tasks were compared.
rules-impact-more = { $n } more tasks are not listed.
rules-before = Rules in force
rules-after = New rules
rules-submitter = Submitted by
rules-try = Try a task
rules-try-task = Try task
rules-try-tool = Tool
rules-try-network = Network policy
rules-try-organization = Organization
rules-try-labels-help = key=value, separated by commas.
rules-try-at = Time of submission
rules-try-at-help = RFC 3339, such as 2026-03-01T14:00:00Z. Leave empty for the current time.
rules-try-invalid = The task could not be tried. { $field }: { $reason }.
rules-try-rule = Decided by the rule “{ $rule }”.
rules-try-steps = Rules in order
rules-try-why = Result
rules-proposal-title = Proposed rules
rules-proposal-lead = The proposed rules would replace version { $version }.
rules-versions = Version history
rules-versions-lead = Each change of the rules is a signed version. A version that is restored becomes a new version.
rules-version = Version
rules-version-of = Version { $version }
rules-author = Changed by
rules-changed-at = Changed
rules-in-force = In force
rules-restore = Restore version
rules-against = Compare with version
rules-compare = Compare versions
rules-save = Save rules
rules-invalid = Some rules are incomplete. Correct the marked fields.
rule-legend = Rule { $n }
rule-number = Order
rule-name = Name
rule-tools = Tools
rule-tools-help = Leave all unchecked to match any tool.
rule-networks = Network policies
rule-networks-help = Leave all unchecked to match any network policy.
rule-condition = Condition
rule-task = a task
rule-tool-task = a { $list } task
rule-any-task = Any task
rule-when = When { $task } { $clauses }
rule-or = { " or " }
rule-and = { " and " }
rule-has-network = has the network policy { $list }
rule-is-in = is in { $list }
rule-is-by = is submitted by { $list }
rule-is-labeled = has the label { $list }
rule-is-between = is submitted from { $from } to { $to } { $zone }
rule-other-organization = another organization
rule-other-submitter = another account
rule-step-tool = Not met: tool
rule-step-network = Not met: network policy
rule-step-organization = Not met: organization
rule-step-submitter = Not met: submitter
rule-step-labels = Not met: labels
rule-step-hours = Not met: time
rule-step-stricter = Matches, and adds requirements because of its labels
rule-step-nothing = Matches, but its labels add no requirement
rule-step-decided = Decides
rule-step-not-reached = Not reached
rule-more = More conditions
rule-organizations = Organizations
rule-organizations-help = Leave all unchecked to match any organization.
rule-submitters = People and service accounts
rule-submitters-help = Leave all unchecked to match any submitter.
rule-labels = Labels
rule-labels-help = key=value, separated by commas; the task must have all of them. A rule with labels can require approval or refuse a task, and never makes the rules less strict.
rule-from = From hour
rule-from-help = 0 to 23. Empty for the whole day.
rule-to = To hour
rule-to-help = 0 to 23; the hour itself is excluded.
rule-zone = Time zone
rule-zone-help = Such as Europe/Berlin. UTC if empty.
rule-effect = Effect
rule-asks = { $approvers ->
    [one] 1 approver
   *[other] { $approvers } approvers
}, within { $hours ->
    [one] 1 hour
   *[other] { $hours } hours
}
rule-approvers = Approvers
rule-approvers-help = If approval is required: number of approvals, 1 to 9.
rule-hours = Hours to decide
rule-hours-help = If approval is required: time to decide, 1 to 720 hours.
rule-asks-passkey = each with a passkey
rule-asks-purpose = with a purpose
rule-purpose = Tasks need a purpose
rule-purpose-help = If approval is required: a task that does not say why it should run is refused at submission.
rule-passkey = Approvals need a passkey
rule-passkey-help = If approval is required: each approver confirms with a passkey, which the server and the runner verify.
rule-add = Add rule
rule-up = Up
rule-up-of = Move rule { $n } up
rule-down = Down
rule-down-of = Move rule { $n } down
rule-remove = Remove
rule-remove-of = Remove rule { $n }
