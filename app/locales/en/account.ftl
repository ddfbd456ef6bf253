# Account pages, second factors and account emails.

nav-account-page = Account
account-lead = Your sign-in settings and recent account activity.
account-sessions = View browser sessions

change-password-title = Change password
change-password = Change password
change-password-consequence = All your other sessions end. This one stays signed in.
password-old = Current password

forgot-open = Forgot your password?
forgot-title = Reset your password
forgot-lead = Enter your email address to receive a reset link. The link works once and expires after one hour.
forgot-send = Send reset link
forgot-sent = If an account uses this address, we sent a reset link to it. If you have accounts in several tenants, you get one email for each. It can take a few minutes to arrive.

address-title = Change email address
address-lead = Your current sign-in address is { $now }.
address-new = New email address
address-consequence = We send one confirmation link to the new address and one to the current address. After you confirm both, you sign in with the new address and all your other sessions end. If you cannot read email at the current address, ask an admin to change it.
address-ask = Send confirmation links
address-sent = Confirmation links were sent to the new address and to the current address. Open both within 24 hours. Nothing changes until then.
address-without-mail = This server cannot send email, so a new address cannot be confirmed. The operator can enable email with the settings mail.smtp and mail.from.
address-confirm-title = Confirm your new email address
address-confirm-lead = After the link sent to your current address is confirmed too, you sign in with { $email } and all your other sessions end.
address-release-lead = After the link sent to the new address is confirmed too, you sign in with { $email } instead of the address that received this link. If you did not request this change, do not confirm it. Change your password.
address-confirm = Confirm change
address-waits = Confirmed. The change takes effect after the link in the other email is confirmed too.

mail-account-event-subject = Security alert for your Castellan account
mail-account-event =
    { $what }.

    If this was you, no action is needed. If not, contact an admin, change your password and end your other sessions:

    { $link }
mail-runner-silent-subject = Castellan: a runner is silent
mail-task-expired-subject = Castellan: tasks expired in the queue
mail-organization-update-subject = Castellan organization update
mail-organization-update =
    { $what }.

    { $link }
mail-approver-change-subject = Castellan: a change to who approves
mail-approver-change =
    { $what }.

    All admins and owners receive this message. If you do not know of this change, ask the person who made it, or another admin:

    { $link }
mail-invitation-subject = Invitation to a Castellan organization
mail-invitation =
    { $inviter } invited you to join { $organization }. Open this link to accept. It works once:

    { $link }

    If you did not expect this invitation, you can ignore this email.
mail-password-subject = Reset your Castellan password
mail-password =
    Someone requested a password reset for your account in the tenant { $tenant }. To set a new password, open this link. It works once and expires after one hour:

    { $link }

    If you did not request this, you can ignore this email. Your password has not changed.
mail-release-subject = Confirm the change of your Castellan email address
mail-release =
    Someone requested to change your Castellan sign-in address from this address to { $email }. To confirm the change, open this link
    within 24 hours, and also open the link sent to the other address:

    { $link }

    If you did not request this, do not open the link. Change your password, because someone else may know it.
mail-address-subject = Confirm your new Castellan email address
mail-address =
    Someone requested to use this address to sign in to Castellan. To confirm it, open this link within 24 hours:

    { $link }

    If you did not request this, you can ignore this email.

factors-title = Second factors
factors-lead = A second factor protects your account if someone learns your password.
factor-set-up = Enabled
factor-title = Two-factor authentication
factor-lead = Your password is correct. Confirm your identity with a second factor.
factor-code = Code
factor-code-help = The 6-digit code from your authenticator app, or one of your recovery codes.
factor-recovery-help = One of your recovery codes.
factor-continue = Continue
factor-lost = If you lost your second factor and your recovery codes, ask a tenant admin to reset them.
factor-enroll-lead = Your account requires a second factor. Set one up to continue.

totp-name = Authenticator app
totp-what = An app on your phone or in your password manager that generates a new code every 30 seconds. It works offline.
totp-begin = Set up authenticator app
totp-title = Set up an authenticator app
totp-lead = Scan this QR code with your authenticator app.
totp-qr-code = QR code with the setup key shown below
totp-type = Or enter this setup key manually:
totp-code = Code
totp-code-help = The 6-digit code shown in the app.
totp-confirm = Confirm code
totp-remove-open = Remove authenticator app…
totp-remove-consequence = Codes from this app stop working, and all your other sessions end. If your account requires a second factor, you set up a new one at the next sign-in.
totp-remove = Remove authenticator app

passkeys-title = Passkeys
passkey-what = A sign-in key that is stored on your device or in your password manager and works only at { $host }, which protects you from phishing. You can also use it instead of your password.
passkey-name = Name
passkey-name-help = Where the passkey is stored, for example “Phone”.
passkey-name-first = My device
passkey-add = Add passkey
passkey-added = Added
passkey-used = Last used
passkey-show = Use a passkey
passkey-sign-in = Sign in with a passkey
passkey-failed = The browser did not provide a passkey, or the passkey was not accepted. Try again or use another sign-in method.
passkey-not-created = The browser did not create a passkey. If you did not cancel, your security key or device may need a PIN, a fingerprint or another screen lock: set one up and try again.
passkey-registered = This device or security key already has a passkey for your account. Use that passkey, or add one on another device.
passkey-only-at = Works only at { $host }. Sign in there, or add a passkey here.
passkey-sign-failed = The browser did not provide a passkey. Try again.
passkey-script = Passkeys require JavaScript.
passkey-elsewhere = To add a passkey, open this page at { $host } in a browser that supports passkeys, with JavaScript enabled.
passkey-open-there = Open this page at { $host }
passkey-no-name = Passkeys require a host name, but this server is reached by an IP address. The operator can set a host name with the setting public_url.
passkey-runners-title = Passkeys on runners
passkey-runners-what = A rule can require that approvals are confirmed with a passkey that the runner trusts. The operator of the runner adds your passkey with “castellan-runner passkeys add”. After that, you can sign further passkeys yourself.
passkey-fingerprint = Fingerprint
passkey-fingerprint-help = Compare it with the one that the operator sees.
passkey-for-operator = Text for the operator
passkey-signed = Signed with another passkey
passkey-sign = Sign with another passkey
passkey-sign-help = Runners that trust the other passkey then trust this one, too.
passkey-remove-open = Remove…
passkey-remove-consequence = This passkey stops working, and all your other sessions end.
passkey-remove = Remove passkey

recovery-name = Recovery codes
recovery-title = Your recovery codes
recovery-text = Each code works once in place of your second factor if you lose access to it. Store the codes separately from your phone. They are not shown again.
recovery-owner = Account: { $email }. Server: { $origin }.
recovery-stored = I have stored them
recovery-left = { $n ->
    [0] No codes left.
    [one] 1 code left.
   *[other] { $n } codes left.
}
recovery-new-open = New recovery codes…
recovery-new-consequence = Your existing recovery codes stop working.
recovery-new = Generate recovery codes
recovery-without-factor = Recovery codes replace a lost second factor. Set up a second factor first.

confirm-identity-title = Confirm your identity
confirm-identity-lead = This action requires recent authentication. Nothing has changed yet, and your input is kept.
confirm-identity-code = Authenticator app code
confirm-identity-code-help = As an alternative to your password.
confirm-identity-do = Continue
confirm-identity-back = Cancel and go back

policy-title = Second factors
policy-lead = Who must use a second factor to sign in.
policy-who = Second factor required for
policy-nobody = Server default only
policy-everybody = Everyone
policy-help = The server setting auth.second_factor requires a second factor for admins unless the operator changed it. People who have set up a second factor are always asked for it.
policy-consequence = With “Everyone”, people without a second factor must set one up at their next request.
policy-unknown = choose an option from the list
policy-set = Save policy

address-replace = New email address
address-replace-help = Use this if the person can no longer read email at their current address. They confirm the new address within 24 hours, and the current address is notified. Verify the person’s identity first.
address-replace-ask = Send confirmation link
reset-open = Reset second factors…
reset-consequence = Their authenticator app, passkeys and recovery codes stop working, and all their sessions end. They are notified. Verify the person’s identity first.
reset = Reset second factors

notifications-title = Recent account activity
notifications-updates-title = Organization updates
notifications-text = If this was not you, contact an admin, change your password and end your other sessions.
notifications-seen = Mark as read
events-title = Account activity
events-none = No account activity yet. Changes to your sign-in settings appear here.
account-event-password-changed = Your password was changed
account-event-password-link = An admin created a link that sets your password
account-event-totp-added = An authenticator app was added
account-event-totp-removed = The authenticator app was removed
account-event-passkey-added = A passkey was added
account-event-passkey-removed = A passkey was removed
account-event-identity-linked = An identity provider account was linked and can sign in
account-event-identity-unlinked = An identity provider account was unlinked
account-event-recovery-codes-made = New recovery codes were generated
account-event-recovery-code-used = A recovery code was used; codes left
account-event-factors-reset = All second factors were reset by an admin
account-event-address-requested = A change of email address was requested
account-event-address-changed = Your email address was changed
account-event-join-requested = Someone requested to join one of your organizations
account-event-join-accepted = Your request to join an organization was accepted
account-event-join-declined = Your request to join an organization was declined
account-event-membership-removed = You were removed from an organization
account-event-service-accounts-given = You are now responsible for service accounts
# Each is followed by the name of the account and the name of the person who made the change.
account-event-approver-added = An account was made an approver, owner or admin
account-event-approver-link-issued = A password link was created for an approver, owner or admin
account-event-approver-factors-reset = The second factors of an approver, owner or admin were reset
account-event-approver-address-replaced = An admin is replacing the email address of an approver, owner or admin
account-event-runner-silent = Runners without a heartbeat for 90 seconds
account-event-task-expired = Tasks expired in the queue because no runner could take them
account-event-confirmation-requested = A change waits for the confirmation of a second admin or owner
account-event-confirmation-declined = A change that waited for confirmation was declined or withdrawn
account-event-hold-lifted = A hold on an approver was lifted
account-event-approval-policy-changed = The approval settings were changed

# Usage of the quotas.
usage-title = Usage today
usage-lead = Quotas per day (UTC) keep one person, program or tenant from filling the storage of all. The operator sets them.
usage-tasks = Your tasks
usage-bytes = Your stored scripts and output
usage-tenant-tasks = Tasks of the whole tenant
usage-tenant-bytes = Stored scripts and output of the whole tenant
usage-of = { $used } of { $limit }
usage-unlimited = { $used }, no limit
usage-mib-of = { $used } of { $limit } MiB
usage-mib-unlimited = { $used } MiB, no limit
