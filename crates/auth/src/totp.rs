//! TOTP codes of authenticator apps (RFC 6238): six digits, a new one every 30 seconds, one step of leeway to either side.
use domain::Timestamp;
use totp_rs::{Builder, Secret, Totp};

/// The secret that an authenticator app is set up with; `Debug` leaves it out.
#[derive(Clone)]
pub struct TotpSetup {
    /// In Base32, to type.
    pub secret: String,
    /// As an `otpauth:` URI, to scan as a QR code.
    pub uri: String,
}

impl std::fmt::Debug for TotpSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSetup")
    }
}

/// Bytes of a secret: the length of a SHA-1 hash (RFC 4226, section 4).
pub(crate) const SECRET: usize = 20;
/// The name that authenticator apps show.
const ISSUER: &str = "Castellan";

/// Returns the time step that the code belongs to, if that is the current step, the one before or the one after.
pub(crate) fn matching_time_step(secret: &[u8], code: &str, now: Timestamp) -> Option<i64> {
    let seconds = u64::try_from(now.seconds()).ok()?;
    totp(secret)?.check(code, seconds).and_then(|step| step.try_into().ok())
}

/// Returns the setup of an app for this account at `host`, whose name distinguishes several servers in the app.
pub(crate) fn setup(secret: &[u8], account: &str, host: &str) -> TotpSetup {
    let secret = Secret::new(secret.into()).to_base32();
    let issuer = percent_encoded(&format!("{ISSUER} {host}"));
    let uri = format!("otpauth://totp/{issuer}:{}?secret={secret}&issuer={issuer}", percent_encoded(account));
    TotpSetup { secret, uri }
}

/// Percent-encodes all but the unreserved characters of RFC 3986 (2.3).
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn totp(secret: &[u8]) -> Option<Totp> {
    // The defaults that apps assume: SHA-1, six digits, 30 seconds.
    Builder::new().with_secret(secret).with_skew(1).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, of whose eight digits six are shown.
    const SECRET: &[u8] = b"12345678901234567890";
    const KNOWN: [(i64, &str); 4] =
        [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")];

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    #[test]
    fn m_14_a_code_is_the_one_of_the_rfc() {
        for (seconds, code) in KNOWN {
            assert_eq!(matching_time_step(SECRET, code, at(seconds)), Some(seconds / 30), "{code}");
        }
    }

    #[test]
    fn m_14_a_code_has_one_step_of_leeway() {
        let (seconds, code) = KNOWN[2];
        for (late, right) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            assert_eq!(matching_time_step(SECRET, code, at(seconds + late)).is_some(), right, "{late} s");
        }
        for wrong in ["", "00592", "0059240", "abcdef", "\u{0660}05924"] {
            assert_eq!(matching_time_step(SECRET, wrong, at(seconds)), None, "{wrong}");
        }
    }

    #[test]
    fn case_bc36_the_setup_uri_names_server_and_account() {
        let setup = setup(SECRET, "ada+x@example.org", "castellan.example.org:8443");
        assert_eq!(setup.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(
            setup.uri.starts_with(
                "otpauth://totp/Castellan%20castellan.example.org%3A8443:ada%2Bx%40example.org?secret=GEZ"
            ),
            "{}",
            setup.uri
        );
    }
}
