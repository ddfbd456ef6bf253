# Labels of domain values: roles, scopes, network policies, rule effects and tools.

role-viewer = Viewer
role-member = Member
role-approver = Approver
role-owner = Owner
role-viewer-full = Viewer: can view shared tasks
role-member-full = Member: can also submit tasks
role-approver-full = Approver: can also decide approval requests
role-owner-full = Owner: can also manage members

tenant-role-person = Person
tenant-role-auditor = Auditor
tenant-role-admin = Admin
tenant-role-person-full = Person: organization roles only
tenant-role-auditor-full = Auditor: can view everything, cannot change anything
tenant-role-admin-full = Admin: manages people, organizations, rules and runners

scope-tasks-read = View tasks, their output and receipts
scope-tasks-submit = Submit tasks and run them again
scope-tasks-cancel = Cancel tasks
scope-approvals-read = View approval requests
scope-approvals-decide = Decide approval requests
scope-audit-read = Read the audit log

network-isolated = Isolated
network-allow-list = Allow list
network-proxy = Proxy
network-unrestricted = Unrestricted

effect-run = Run immediately
effect-ask = Require approval
effect-refuse = Refuse

tool-bash = Bash script
