# Who can reach a thing.
access-title = Who can reach this?
access-lead = Everybody whom the rules of access let in now, with every reason, and the keys with which programs come as them.
access-everybody = Everybody who signs in to this tenant sees this. Listed are those who can do more, and those who see it for another reason as well.
access-acts-title = Who acts as this?
access-acts-lead = The keys with which programs act as this service account, and everybody who can make or revoke one, with every reason.
access-why = Why
access-can = Can
access-keys = By key
access-key-count = { $count ->
    [one] 1 key
   *[other] { $count } keys
}
access-own = submitted it
access-role = { $role } of its organization
access-judges = judges requests of its organization
access-shared = everybody of the tenant
access-admin = admin of the tenant
access-auditor = auditor of the tenant
access-answers = answers for it
access-itself = programs with its keys
access-act = act as it
access-makes-keys = make and revoke its keys
access-see = see
access-submit = submit tasks
access-run = have tasks run on it
access-decide = answer requests
access-cancel = cancel
access-manage = manage
