# People and organizations.

people-lead = Everybody who may sign in to this tenant. What they may do follows from their roles in organizations.
people-factors = Who must have a second factor
person-name = Name
person-state = State
person-since = Since
person-role = Role
person-organization = Organization
person-no-organization = None yet
person-tenant-role = Role in the tenant
person-tenant-role-help = Most people need none beyond their organizations.
person-tenant-role-change = It takes effect with their next request.
person-tenant-role-set = Change role
person-own-role = Your own role in the tenant can only be changed by another admin.
person-active = active
person-invited = no password yet
person-in-none = In no organization yet. Open an organization to add this person there.
person-manage = Manage
person-new = New person
person-new-lead = Makes a person, and a one-time link with which they set their password.
person-email-help = They sign in with it. No mail is sent: you hand over the link.
person-consequence = The link is shown once, on the next page.
person-create = Make person and link
person-made-title = The person is made. Hand over this link
link-title = The new link
link-text = It sets the password once and works for 72 hours. It is not shown again: if it is lost, make a new one on the person’s page. Whoever has it can sign in as this person.
link-open = New password link…
link-consequence = Earlier links of this person end. The password they have now goes on working until the link is used.
link-make = Make link

organizations-lead = Tasks belong to an organization; its members see what is shared in it, and its approvers decide.
organizations-empty = No organization yet
organizations-empty-text = You are in no organization. An owner or an admin can add you to one.
organization-name = Organization
organization-name-help = 1 to 80 characters, unique in the tenant.
organization-my-role = Your role
organization-since = Since
organization-lead = Who is in it, and as what.
organization-new = New organization
organization-new-lead = A team that shares tasks and decides together. You can add people to it afterwards.
organization-create = Make organization
organization-unknown = choose one of the list
members = Members
members-none = Nobody is in it yet
members-none-text = Add somebody of this tenant, or make an invitation for people who have no account yet: both stand below.
members-none-here = Its owners and admins let people in.
member-role-of = Role of { $name }
member-role-set = Change
member-remove-open = Remove…
member-remove-consequence = Their role here, { $role }, ends: they no longer see what is shared here, and can no longer submit or decide here. What they did stays on record.
member-remove = Remove from organization
member-add-title = Add somebody
member-add = Add to organization
member-email-help = Of a person of this tenant. Who has no account yet is invited below.
member-unknown = nobody in this tenant has this address; an admin can make the person

organization-settings = Settings
organization-tasks = Tasks of this organization
organization-managers-only = Only an owner of the organization or an admin may do this.
organizations-archived = Archived organizations
organization-archived = archived
organization-archived-named = { $name } (archived)
organization-archived-since = Archived
organization-archived-text = It is read as before, with its history; nothing is submitted or starts in it, and nobody comes in, until an owner or an admin brings it back.
organization-rename-title = Name
organization-rename-help = 1 to 80 characters, unique in the tenant. Group rules of identity providers name organizations: change them as well.
organization-rename = Rename
organization-archive-title = Archive
organization-archive-open = Archive…
organization-archive-consequence = It is put away: its members and tasks can still be read, but nothing is submitted or starts in it, its open invitations stop working, keys for it submit nothing, and it is offered in no choice. An owner or an admin can bring it back.
organization-archive = Archive organization
organization-restore = Bring it back
organization-open-tasks = { $n ->
    [one] One task runs or waits here; an organization is archived when none does.
   *[other] { $n } tasks run or wait here; an organization is archived when none does.
}
organization-tasks-asked = waiting for approval
organization-tasks-queued = queued
organization-tasks-running = running
refused-open-tasks = { $n ->
    [one] One task runs or waits in this organization. Let it end or stop it, then archive the organization.
   *[other] { $n } tasks run or wait in this organization. Let them end or stop them, then archive the organization.
}

leave-heading = Leaving
leave-open = Leave this organization…
leave-title = Leave { $organization }
leave-consequence = Your role here, { $role }, ends: you no longer see what is shared here, and can no longer submit or decide here. What you did stays on record.
leave = Leave organization
remove-title = Remove { $name } from { $organization }
departure-waiting = { $n ->
    [one] One task that waits or is queued is cancelled.
   *[other] { $n } tasks that wait or are queued are cancelled.
}
departure-running = { $n ->
    [one] One task that runs goes on to its end.
   *[other] { $n } tasks that run go on to their end.
}
departure-keys = { $n ->
    [one] One API key for this organization only is revoked.
   *[other] { $n } API keys for this organization only are revoked.
}
departure-other-keys = Other API keys stay, and reach nothing here any more.
departure-accounts = { $n ->
    [one] One service account goes to whom you choose:
   *[other] { $n } service accounts go to whom you choose:
}
departure-accounts-keys = The keys of these service accounts go on working, for whoever knows them. Rotate or revoke them on the page of each key.
departure-nobody = Nobody here can answer for these service accounts: that takes a member of every organization that they are in, with no lesser role there. Put somebody there first.
departure-back = Back to the organization
successor = Who answers for the service accounts from now on
successor-help = Members of every organization that these are in, with no lesser role there. They are told.
successor-choose = Choose somebody
successor-unknown = choose one of the list

invitations = Invitations
invitations-none = No open invitations.
invitations-open = Open invitations
invitation-role = Role of whoever comes
invitation-email = Only for this address
invitation-email-mailed = It is mailed there, and works once. Leave it empty for a link that you hand over.
invitation-email-shown = Then it works once, and for nobody else. Leave it empty for a link for whoever has it.
invitation-uses = How many people may use it
invitation-uses-help = 1 to 100.
invitation-days = For how many days it works
invitation-number = must be a whole number
invitation-consequence = Whoever follows it comes into the organization with this role, with an account that they have or make there. This server sends no mail, so the address of a new account is not confirmed: hand the link over by a way that you trust.
invitation-consequence-mail = Whoever follows it comes into the organization with this role, with an account that they have or make there. A new account’s address is confirmed by mail.
invitation-make = Make invitation
invitation-made-title = The invitation
invitation-made-text = Whoever has this link can join until it is used up, expires or is revoked. It is not shown again: if it is lost, revoke it and make another.
invitation-for = For
invitation-anybody = whoever has the link
invitation-used = { $used } of { $uses }
invitation-uses-of = Used
invitation-expires = Until
invitation-by = Invited by
invitation-revoke-open = Revoke…
invitation-revoke-consequence = The link stops working at once. Who came in by it stays.
invitation-revoke = Revoke invitation
invitation-title = Invitation
invitation-lead = { $inviter } invites you to { $organization }. Your role there: { $role }
invitation-as = You are signed in as { $who }.
invitation-accept = Accept and join
invitation-halfway = Finish signing in; then you come back to the invitation.
invitation-provider = Passwords are closed here: sign in by your identity provider; then you come back to the invitation.
invitation-confirm-lead = No account yet? Say under which address you want one. A link is mailed there, by which you go on.
invitation-confirm-help = You will sign in with it. Your invitation counts as used when the mail is sent.
invitation-confirm = Send link
invitation-sent = A mail is on its way to this address. Follow the link in it within three days.
invitation-new = Make an account
invitation-address = Your address will be { $email }.
invitation-own-email = You will sign in with it.
invitation-join = Make account and join
invitation-have-account = You have an account here? Sign in with it, and you come back to this invitation:

requests-title = Requests to join
requests-who = People of this tenant
requests-help = Where they may ask, they see the organization’s name in their list; its owners answer. Requests that wait stay when you close it.
requests-closed = cannot ask to join
requests-open = may ask to join
requests-set = Save
joinable-title = Open to requests
joinable-lead = You can ask the owners of these to let you in.
join-ask-open = Ask to join…
join-ask-consequence = Its owners see your name, your address and what you write here.
join-reason = Why
join-reason-help = If you like: up to 500 characters.
join-ask = Ask to join
join-own = What you asked
join-waiting = waiting
join-accepted = accepted
join-declined = declined
join-withdrawn = withdrawn
join-withdraw-open = Withdraw…
join-withdraw-consequence = Nobody answers it any more. You can ask again.
join-withdraw = Withdraw request
join-requests = People who ask to join
join-accept = Let in
join-decline-open = Decline…
join-decline-reason = Why not
join-decline-help = They read it. Up to 500 characters.
join-decline = Decline
join-asked-of-me = { $n ->
    [one] Somebody asks to join { $organization }
   *[other] { $n } people ask to join { $organization }
}

person-service = This is a service account: programs act under its name, and nobody signs in with it.
person-service-see = See the service account
