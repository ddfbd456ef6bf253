# Signing in and out, one-time links, sessions.

email = E-mail address
password = Password
password-show = Show
password-hide = Hide
password-help = 12 to 128 characters of any kind; a few words that do not belong together are good. Common and guessable passwords are refused.

sign-in = Sign in
sign-out = Sign out
sign-in-lost = If you lost your password, ask an admin of your tenant for a one-time link.

ended-title = Your session has ended
ended-lead = So this was not done, and nothing was changed. What you typed is kept on this page as long as you do not close it.
ended-sign-in = Sign in in a new tab
ended-come-back = Come back to this one and send it again.
ended-secrets = Passwords and secrets are not kept: what had one is sent without it.
ended-send = Send it again
ended-leave = Sign in here and give up what you typed

setup-title = Set up Castellan
setup-lead = This makes the first tenant, its first organization, and you as their admin. The link that brought you here works once.
setup-tenant = Tenant
setup-tenant-help = Your company, or whatever must be kept apart from others.
setup-organization = First organization
setup-organization-help = A team within it, such as Operations. More can be made later.
setup-name = Your name
setup-email-help = You sign in with it. No mail is sent.
setup-consequence = You will be signed in as admin of the tenant and owner of the organization.
setup-do = Set up and sign in

password-title = Set your password
password-for = For { $holder }. The link that brought you here works once.
password-new = New password
password-consequence = You will be signed in here, and signed out everywhere else.
password-set = Set password and sign in

sessions-lead = Where you are signed in. End what you do not know or no longer use.
sessions-end-others-open = End all others…
sessions-end-others-consequence = All other browsers are signed out at once. This one stays signed in.
sessions-end-others = End all other sessions
session-device = Browser
session-address = Address
session-last-used = Last used
session-since = Signed in
session-this = this one
session-end-open = End…
session-end-consequence = That browser is signed out at once.
session-end-this-consequence = This is the browser that you are using: you will have to sign in again.
session-end = End session
