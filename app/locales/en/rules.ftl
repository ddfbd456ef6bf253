# Rules.

rules-lead = What happens to a task when it is submitted. The first rule that matches decides.
rules-otherwise = What no rule matches asks one approver of the task’s organization, for 24 hours.
rules-change = Change rules
rules-change-lead = Adding, moving and removing rows changes nothing until you save.
rules-consequence = Saved rules apply to every task that is submitted from then on. The change is recorded in the audit log.
rules-save = Save rules
rules-invalid = Some rules are not complete.
rule-legend = Rule { $n }
rule-number = Order
rule-name = Name
rule-tools = Tools
rule-tools-help = None ticked: any tool.
rule-networks = Network policies
rule-networks-help = None ticked: any network policy.
rule-any = any
rule-effect = What happens
rule-asks = { $approvers ->
    [one] one approver
   *[other] { $approvers } approvers
}, within { $hours ->
    [one] 1 hour
   *[other] { $hours } hours
}
rule-approvers = Approvers
rule-approvers-help = Where it asks: how many must say yes, 1 to 9.
rule-hours = Hours
rule-hours-help = Where it asks: how long they have, 1 to 720.
rule-add = Add a rule
rule-up = Up
rule-up-of = Move rule { $n } up
rule-down = Down
rule-down-of = Move rule { $n } down
rule-remove = Remove
rule-remove-of = Remove rule { $n }
