# Rules.

rules-lead = Rules decide what happens to a submitted task. The first matching rule applies.
rules-otherwise = If no rule matches, the task requires one approval from an approver of its organization within 24 hours.
rules-change = Edit rules
rules-change-lead = Changes take effect when you save the rules.
rules-consequence = Saved rules apply to tasks that are submitted afterwards. The change is recorded in the audit log.
rules-save = Save rules
rules-invalid = Some rules are incomplete. Correct the marked fields.
rule-legend = Rule { $n }
rule-number = Order
rule-name = Name
rule-tools = Tools
rule-tools-help = Leave all unchecked to match any tool.
rule-networks = Network policies
rule-networks-help = Leave all unchecked to match any network policy.
rule-any = any
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
rule-hours = Hours
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
