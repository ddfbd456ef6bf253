# Sign-in, sign-out, one-time links and browser sessions.

email = Email address
password = Password
password-show = Show
password-hide = Hide
password-help = 12 to 128 characters. A few unrelated words work well. Common passwords are refused.

sign-in = Sign in
sign-out = Sign out
sign-in-lost = If you forgot your password, ask a tenant admin for a one-time link.

tenant-choice-title = Choose a tenant
tenant-choice-lead = You have accounts with this address and password in several tenants. Choose the one to sign in to.
tenant-choice-sign-in = Sign in to { $tenant }
tenant-choice-other = Sign in with another account

session-ended-title = Your session has ended
session-ended-lead = Your change was not saved. Your input is kept as long as this page stays open.
session-ended-sign-in = Sign in in a new tab
session-ended-return = Then return to this tab and submit again.
session-ended-secrets = Passwords and secrets are not kept and are submitted empty.
session-ended-send = Submit again
session-ended-leave = Sign in here and discard your input

setup-title = Set up Castellan
setup-lead = Creates the first tenant, its first organization and your admin account. The setup link works once.
setup-tenant = Tenant
setup-tenant-help = Your company, or another unit whose data must be isolated.
setup-organization = First organization
setup-organization-help = A team in the tenant, for example Operations. You can add more later.
setup-name = Your name
setup-email-help = Your sign-in name. No email is sent.
setup-consequence = You are signed in as tenant admin and as owner of the organization.
setup-do = Set up and sign in

password-title = Set your password
password-for = For { $holder }. This link works once.
password-new = New password
password-consequence = You are signed in here and signed out in all other browsers.
password-set = Set password and sign in

sessions-lead = Browsers in which you are signed in. End sessions that you do not recognize or no longer use.
sessions-end-others-open = End all other sessions…
sessions-end-others-consequence = All other browsers are signed out immediately. This one stays signed in.
sessions-end-others = End all other sessions
session-device = Browser
session-address = IP address
session-last-used = Last used
session-since = Signed in
session-this = This session
session-end-open = End…
session-end-consequence = The browser is signed out immediately.
session-end-this-consequence = This is your current session. You have to sign in again.
session-end = End session
