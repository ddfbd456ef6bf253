//! Mail in words: plain text, and nothing in it that somebody else could have written but names of things.
use crate::account::news::what;
use store::Mail;

/// Subject and text of a mail, with links to `origin`.
pub fn words(mail: &Mail, origin: &str) -> (String, String) {
    match mail {
        Mail::Happened { happened, detail } => {
            let what = match detail.as_str() {
                "" => what(*happened),
                detail => format!("{}: {detail}", what(*happened)),
            };
            (t!("mail-happened-subject"), t!("mail-happened", what = what, link = format!("{origin}/account")))
        }
        Mail::PasswordLink { token } => {
            (t!("mail-password-subject"), t!("mail-password", link = format!("{origin}/password?token={token}")))
        }
        Mail::ConfirmAddress { token } => {
            (t!("mail-address-subject"), t!("mail-address", link = format!("{origin}/address?token={token}")))
        }
    }
}
