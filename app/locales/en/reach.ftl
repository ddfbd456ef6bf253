# Who can reach a thing.
reach-title = Who can reach this?
reach-lead = Everybody whom the rules of access let in now, with every reason, and the keys with which programs come as them.
reach-everybody = Everybody who signs in to this tenant sees this. Listed are those who can do more, and those who see it for another reason as well.
reach-acts-title = Who acts as this?
reach-acts-lead = The keys with which programs act as this service account, and everybody who can make or revoke one, with every reason.
reach-why = Why
reach-can = Can
reach-keys = By key
reach-key-count = { $count ->
    [one] 1 key
   *[other] { $count } keys
}
reach-own = submitted it
reach-role = { $role } of its organization
reach-judges = judges requests of its organization
reach-shared = everybody of the tenant
reach-admin = admin of the tenant
reach-auditor = auditor of the tenant
reach-answers = answers for it
reach-itself = programs with its keys
reach-act = act as it
reach-makes-keys = make and revoke its keys
reach-see = see
reach-submit = submit tasks
reach-run = have tasks run on it
reach-decide = answer requests
reach-cancel = cancel
reach-manage = manage
