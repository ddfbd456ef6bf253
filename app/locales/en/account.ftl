# One's own account, and second factors.

nav-own-account = Your account
account-lead = How you sign in, and what happened with your account.
account-sessions = See where you are signed in

change-password-title = Change password
change-password = Change password
change-password-consequence = All your other sessions end. This one stays.
password-old = Present password

forgot-open = Forgot your password?
forgot-title = Forgot your password
forgot-lead = A link that sets a new one comes by mail. It works once, for an hour.
forgot-send = Send link
forgot-sent = If this address has an account here, a mail is on its way to it. It may take a few minutes.

address-title = Change address
address-lead = You sign in as { $now } now.
address-new = New e-mail address
address-consequence = A link comes to the new address, and one to the present one. Once you followed both, you sign in with the new address, and all your other sessions end. If you cannot read your present mail any more, an admin can ask for you.
address-ask = Send links
address-sent = Mails are on their way to the new address and to the present one. Follow the links in both within a day; until then nothing changes.
address-without-mail = This server sends no mail, so a new address cannot be confirmed. Its operator can set that up (the settings mail.smtp and mail.from).
address-confirm-title = Confirm your new address
address-confirm-lead = You will sign in with { $email }, and all your other sessions will end, once the mail to your present address is answered, too.
address-release-lead = You will sign in with { $email } instead of the address that this link came to, once the mail to the new one is answered, too. If you did not ask for this, do not go on: change your password.
address-confirm = Confirm the change
address-waits = Confirmed. The change counts once the link in the other mail is followed, too.

mail-happened-subject = Something happened with your Castellan account
mail-happened =
    { $what }.

    If it was you, there is nothing to do. If not, tell an admin, change your password and end your other sessions:

    { $link }
mail-told-subject = News of an organization in Castellan
mail-told =
    { $what }.

    { $link }
mail-invitation-subject = You are invited to an organization in Castellan
mail-invitation =
    { $inviter } invites you to { $organization }. Follow this link to join; it works once:

    { $link }

    If you do not know what this is about, there is nothing to do.
mail-password-subject = Set a new password for Castellan
mail-password =
    Somebody, most likely you, asked for a link that sets a new password. It works once, for an hour:

    { $link }

    If it was not you, there is nothing to do: your password stays as it is.
mail-release-subject = Confirm that your address for Castellan changes
mail-release =
    Somebody, most likely you, wants to sign in to your Castellan account with { $email } instead of this address. Confirm it within a day,
    and follow the link in the mail to the other address, too:

    { $link }

    If it was not you, do not follow the link, and change your password: somebody knows it.
mail-address-subject = Confirm your new address for Castellan
mail-address =
    Somebody, most likely you, wants to sign in to Castellan with this address. Confirm it within a day:

    { $link }

    If it was not you, there is nothing to do.

factors-title = Second factors
factors-lead = What you show beside your password, so that a password alone opens nothing.
factor-set-up = set up
factor-title = Second step
factor-lead = Your password was right. Now show that it is you.
factor-code = Code
factor-code-help = The six digits that your authenticator app shows now, or one of your recovery codes.
factor-recovery-help = One of your recovery codes.
factor-show = Go on
factor-lost = If you lost your second factor and your recovery codes, ask an admin of your tenant to reset them.
factor-enroll-lead = You need a second factor before you can go on: from now on, your password alone opens nothing.

totp-name = Authenticator app
totp-what = An app on your phone or in your password manager that shows a new code every half minute. It needs no network.
totp-begin = Set up an authenticator app
totp-title = Set up an authenticator app
totp-lead = Let your app read this square.
totp-square = A square code with the secret that also stands below
totp-type = Or type this secret into the app:
totp-code = Code
totp-code-help = The six digits that the app shows now.
totp-confirm = Confirm
totp-remove-open = Remove…
totp-remove-consequence = Codes of this app no longer work, and all your other sessions end. Whoever must have a second factor sets up another one at the next sign-in.
totp-remove = Remove authenticator app

passkeys-title = Passkeys
passkey-what = A key that your device or password manager keeps, and that it shows at { $host } only: nobody can be lured into giving it away. It can also stand in for your password.
passkey-name = Name
passkey-name-help = What keeps it, such as “Phone”.
passkey-name-first = My device
passkey-add = Add a passkey
passkey-added = Added
passkey-used = Last used
passkey-show = Use a passkey
passkey-sign-in = Sign in with a passkey
passkey-failed = The browser gave no passkey, or it was not taken. Try again, or use another way.
passkey-script = Passkeys need JavaScript.
passkey-elsewhere = To add one, open this page at { $host }, with JavaScript, in a browser that knows passkeys.
passkey-no-name = Passkeys are bound to a server’s name, and this server is known by an address only. Its operator can give it one with the setting public_url.
passkey-remove-open = Remove…
passkey-remove-consequence = This passkey no longer works here, and all your other sessions end.
passkey-remove = Remove passkey

recovery-name = Recovery codes
recovery-title = Your recovery codes
recovery-text = Each of them works once instead of your second factor, for the day on which you lost it. Store them apart from your phone: they are not shown again.
recovery-stored = I have stored them
recovery-left = { $n ->
    [0] None is left.
    [one] One is left.
   *[other] { $n } are left.
}
recovery-new-open = New recovery codes…
recovery-new-consequence = The ones that you have now become void.
recovery-new = Make new codes
recovery-without-factor = Recovery codes stand in for a second factor. Set one up first.

prove-title = Is it you?
prove-lead = This asks for a fresh proof of who you are. Nothing was changed yet; what you typed goes on from here.
prove-code = Code of your authenticator app
prove-code-help = Instead of the password.
prove-do = Go on
prove-back = Back without doing it

policy-title = Second factors
policy-lead = Who must show something beside a password to sign in.
policy-who = Must have a second factor
policy-nobody = Nobody, beyond what the server is set up with
policy-everybody = Everybody
policy-help = The server’s own setting, auth.second_factor, asks admins unless its operator chose otherwise. Who has a second factor is asked for it in any case.
policy-consequence = With “Everybody”, whoever has none is asked to set one up with their next request.
policy-unknown = choose one of the list
policy-set = Save

address-replace = Another address
address-replace-help = For somebody who cannot read mail to their present address any more. Whoever reads the new one confirms it, within a day; the present one is told. Make sure that it is really them who asks you.
address-replace-ask = Send link
reset-open = Reset second factors…
reset-consequence = Their authenticator app, passkeys and recovery codes no longer work, and all their sessions end. They are told. Make sure that it is really them who asks you.
reset = Reset second factors

news-title = This happened with your account
news-told-title = This happened in your organizations
news-text = If it was not you, tell an admin, change your password and end your other sessions.
news-seen = I have seen it
events-title = What happened with your account
events-none = Nothing yet.
happened-password-changed = The password was changed
happened-password-link = An admin made a link that sets the password
happened-totp-added = An authenticator app was set up
happened-totp-removed = The authenticator app was removed
happened-passkey-added = A passkey was added
happened-passkey-removed = A passkey was removed
happened-identity-linked = An account at a provider was linked, and signs in from now on
happened-identity-unlinked = An account at a provider was unlinked
happened-recovery-codes-made = New recovery codes were made
happened-recovery-code-used = A recovery code was used; left
happened-factors-reset = All second factors were reset by
happened-address-asked = Another address was asked for
happened-address-changed = The address was changed
happened-join-asked = Somebody asks to join an organization of yours
happened-join-accepted = You were let into an organization
happened-join-declined = You were not let into an organization
happened-membership-removed = You were removed from an organization
happened-service-accounts-given = You answer for service accounts from now on
