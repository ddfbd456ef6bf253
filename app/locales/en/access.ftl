# Access pages: who can reach a task, organization, runner or service account.
access-title = Who has access
access-lead = Everyone who currently has access, the reasons for it, and the API keys through which programs act for them.
access-everybody = Everyone who can sign in to this tenant can view this. The list shows people who can do more or who have another reason for access.
access-as-account-title = Who can act as this account
access-as-account-lead = The API keys that act as this service account, and everyone who can create or revoke them.
access-why = Reason
access-can = Permissions
access-keys = API keys
access-key-count = { $count ->
    [one] 1 API key
   *[other] { $count } API keys
}
access-own = submitted the task
access-role = { $role } in the organization
access-approver = decides approval requests of the organization
access-shared = visible to everyone in the tenant
access-admin = tenant admin
access-auditor = tenant auditor
access-responsible = responsible person
access-itself = programs with its API keys
access-act = act as this account
access-makes-keys = create and revoke its API keys
access-see = view
access-submit = submit tasks
access-run = run tasks on it
access-decide = decide approval requests
access-cancel = cancel
access-manage = manage
