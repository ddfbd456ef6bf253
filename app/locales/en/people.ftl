# People, organizations, members, invitations and join requests.

people-lead = Everyone who can sign in to this tenant. Their permissions come from their tenant role and their organization roles.
person-name = Name
person-state = Status
person-since = Since
person-role = Role
person-organization = Organization
person-no-organization = None
person-tenant-role = Tenant role
person-tenant-role-help = Most people need only their organization roles.
person-tenant-role-change = Takes effect at their next request.
person-tenant-role-set = Change role
person-own-role = Only another admin can change your tenant role.
person-active = Active
person-invited = Invited
person-in-none = Not a member of any organization. To add this person, open an organization.
person-manage = Account management
person-new = New person
person-new-lead = Creates an account and a one-time link to set its password.
person-email-help = Their sign-in name. No email is sent. Share the link with them yourself.
person-consequence = The link is shown once, on the next page.
person-create = Create person and link
person-created-title = Person created. Share this link with them
link-title = New password link
link-text = The link works once and expires after 72 hours. It is not shown again. If it is lost, create a new one on the person’s page. Anyone with the link can sign in as this person.
link-open = Create password link…
link-consequence = Earlier links stop working. The current password keeps working until the new link is used.
link-create = Create link

organizations-lead = Each task belongs to an organization. Its members see shared tasks, and its approvers decide approval requests.
organizations-empty = No organizations yet
organizations-empty-text = You are not a member of an organization. An organization owner or an admin can add you.
organization-name = Organization
organization-name-help = 1 to 80 characters, unique in the tenant.
organization-my-role = Your role
organization-since = Since
organization-lead = Members, their roles and invitations.
organization-new = New organization
organization-new-lead = A team that shares tasks and approves requests together. You can add members after you create it.
organization-create = Create organization
organization-unknown = choose an organization from the list
members = Members
members-none = No members yet
members-none-text = Add a person of this tenant, or create an invitation for people without an account.
members-none-here = Organization owners and admins can add members.
member-role-of = Role of { $name }
member-role-set = Change role
member-remove-open = Remove…
member-remove-consequence = Their role { $role } ends. They lose access to what is shared in this organization and can no longer submit tasks or decide approval requests in it. Their past activity stays in the audit log.
member-remove = Remove from organization
member-add-title = Add a member
member-add = Add to organization
member-email-help = Address of a person in this tenant. To add someone without an account, create an invitation below.
member-not-found = no person in this tenant has this address; ask an admin to create the account

organization-settings = Settings
organization-tasks = Tasks of this organization
organizations-archived = Archived organizations
organization-archived = Archived
organization-archived-named = { $name } (archived)
organization-archived-since = Archived { $ago }.
organization-archived-text = Members and history stay readable, but no task can be submitted or started and nobody can join until an owner or an admin restores the organization.
organization-rename-title = Name
organization-rename-help = 1 to 80 characters, unique in the tenant. Group rules of identity providers refer to organizations by name. Update them too.
organization-rename = Rename organization
organization-archive-title = Archive organization
organization-archive-open = Archive organization…
organization-archive-consequence = Members and tasks stay readable, but no task can be submitted or started. Open invitations stop working, API keys limited to this organization cannot submit tasks, and the organization is no longer offered in forms. An owner or an admin can restore it.
organization-archive = Archive organization
organization-restore = Restore organization
organization-open-tasks = { $n ->
    [one] 1 task is waiting or running here. An organization can be archived when it has none.
   *[other] { $n } tasks are waiting or running here. An organization can be archived when it has none.
}
organization-tasks-awaiting-approval = awaiting approval
organization-tasks-queued = queued
organization-tasks-running = running

leave-heading = Leave organization
leave-open = Leave this organization…
leave-title = Leave { $organization }
leave-consequence = Your role { $role } ends. You lose access to what is shared in this organization and can no longer submit tasks or decide approval requests in it. Your past activity stays in the audit log.
leave = Leave organization
remove-title = Remove { $name } from { $organization }
departure-waiting = { $n ->
    [one] 1 waiting or queued task is cancelled.
   *[other] { $n } waiting or queued tasks are cancelled.
}
departure-running = { $n ->
    [one] 1 running task continues.
   *[other] { $n } running tasks continue.
}
departure-keys = { $n ->
    [one] 1 API key limited to this organization is revoked.
   *[other] { $n } API keys limited to this organization are revoked.
}
departure-other-keys = Other API keys keep working, but lose access to this organization.
departure-accounts = { $n ->
    [one] 1 service account is transferred to the person you choose:
   *[other] { $n } service accounts are transferred to the person you choose:
}
departure-accounts-keys = The API keys of these service accounts keep working for anyone who knows them. To replace them, rotate or revoke each key on its page.
departure-no-successor = No member here can become responsible for these service accounts. The responsible person must be a member of every organization of the accounts, with the same or a higher role. Add such a member first.
departure-back = Back to the organization
successor = New responsible person
successor-help = Members of every organization of these service accounts with the same or a higher role. They are notified.
successor-choose = Choose a person
successor-unknown = choose a person from the list

invitations = Invitations
invitations-none = No open invitations
invitations-open = Open invitations
invitation-role = Role of new members
invitation-email = Recipient (optional)
invitation-email-mailed = The invitation is sent to this address and works once. Leave empty to create a link that you share yourself.
invitation-email-shown = The invitation then works once, for this address only. Leave empty for a link that anyone can use.
invitation-uses = Maximum number of uses
invitation-uses-help = 1 to 100.
invitation-days = Expires after (days)
invitation-number = must be a whole number
invitation-consequence = People who accept the invitation join with this role, with an existing or a new account. This server sends no email, so addresses of new accounts are not verified. Share the link over a trusted channel.
invitation-consequence-mail = People who accept the invitation join with this role, with an existing or a new account. Addresses of new accounts are verified by email.
invitation-create = Create invitation
invitation-created-title = New invitation
invitation-created-text = Anyone with this link can join until it is used up, expires or is revoked. It is not shown again. If it is lost, revoke it and create another.
invitation-for = Recipient
invitation-anybody = Anyone with the link
invitation-used = { $used } of { $uses }
invitation-uses-of = Used
invitation-expires = Expires
invitation-by = Invited by
invitation-mail-failed = The email was not delivered: { $reason }
invitation-resend = Resend invitation
invitation-revoke-open = Revoke…
invitation-revoke-consequence = The link stops working immediately. People who already joined stay members.
invitation-revoke = Revoke invitation
invitation-title = Invitation
invitation-lead = { $inviter } invited you to join { $organization }. Your role: { $role }
invitation-as = You are signed in as { $who }.
invitation-accept = Accept and join
invitation-finish-sign-in = Finish signing in to return to the invitation.
invitation-provider = Password sign-in is disabled. Sign in with your identity provider to return to the invitation.
invitation-confirm-lead = No account yet? Enter your email address. We send you a link to create an account.
invitation-confirm-help = Your sign-in name. Your invitation counts as used when the email is sent.
invitation-confirm = Send link
invitation-sent = A link was sent to this address. Open it within three days.
invitation-new = Create an account
invitation-address = Your sign-in address is { $email }.
invitation-own-email = Your sign-in name.
invitation-join = Create account and join
invitation-have-account = Already have an account? Sign in to return to this invitation:

join-settings-title = Join requests
join-settings-who = People in this tenant
join-settings-help = If join requests are allowed, people in this tenant see the name of the organization, and its owners decide the requests. Pending requests stay when you disallow new ones.
join-settings-closed = cannot request to join
join-settings-open = can request to join
join-settings-set = Save
joinable-title = Organizations you can join
joinable-lead = Send a join request to the owners of an organization.
join-ask-open = Request to join…
join-ask-consequence = Owners of the organization see your name, your email address and your message.
join-reason = Message (optional)
join-reason-help = Up to 500 characters.
join-ask = Request to join
join-own = Your join requests
join-waiting = Pending
join-accepted = Accepted
join-declined = Declined
join-withdrawn = Withdrawn
join-withdraw-open = Withdraw…
join-withdraw-consequence = Owners can no longer decide this request. You can send a new one.
join-withdraw = Withdraw request
join-requests = Pending join requests
join-accept = Accept request
join-decline-open = Decline…
join-decline-reason = Reason
join-decline-help = The person can read it. Up to 500 characters.
join-decline = Decline request
join-requests-for-me = { $n ->
    [one] 1 person requested to join { $organization }
   *[other] { $n } people requested to join { $organization }
}

person-service = This is a service account. Programs act under its name, and nobody can sign in with it.
person-service-see = View service account
