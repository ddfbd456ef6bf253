# The domain's own words.

role-viewer = Viewer
role-member = Member
role-approver = Approver
role-owner = Owner
role-viewer-full = Viewer: sees what the organization shares
role-member-full = Member: also submits tasks
role-approver-full = Approver: also decides requests of others
role-owner-full = Owner: also manages the members

tenant-role-person = Person
tenant-role-auditor = Auditor
tenant-role-admin = Admin
tenant-role-person-full = Person: only what the roles in organizations allow
tenant-role-auditor-full = Auditor: reads everything, changes nothing
tenant-role-admin-full = Admin: manages people, organizations, rules and runners

scope-tasks-read = See tasks, their output and receipts
scope-tasks-submit = Submit tasks, and run them again
scope-tasks-cancel = Cancel tasks
scope-approvals-read = See the approval queue
scope-approvals-decide = Approve and deny requests
scope-audit-read = Read the audit log

network-isolated = No network
network-allow-list = Named hosts only
network-proxy = Everything, through the audited proxy
network-unrestricted = No restriction

effect-run = Runs at once
effect-ask = Asks
effect-refuse = Refused

tool-bash = Bash script
