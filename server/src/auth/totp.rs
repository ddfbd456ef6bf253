//! Codes of authenticator apps (RFC 6238): six digits, a new one every half minute, one step of leeway to either side.
use app::{door::TotpOffer, ui::escaped};
use domain::Timestamp;
use totp_rs::{Builder, Secret, Totp};

/// Bytes of a secret: as many as SHA-1 gives (RFC 4226, 4).
pub(super) const SECRET: usize = 20;
/// What authenticator apps call us.
const ISSUER: &str = "Castellan";

/// The step of time whose code this is, if it is one of now, the step before or the one after.
pub(super) fn step(secret: &[u8], code: &str, now: Timestamp) -> Option<i64> {
    let seconds = u64::try_from(now.seconds()).ok()?;
    totp(secret)?.check(code, seconds).and_then(|step| step.try_into().ok())
}

/// What an app is set up with.
pub(super) fn offer(secret: &[u8], account: &str) -> TotpOffer {
    let secret = Secret::new(secret.into()).to_base32();
    let uri = format!("otpauth://totp/{ISSUER}:{}?secret={secret}&issuer={ISSUER}", escaped(account));
    TotpOffer { secret, uri }
}

fn totp(secret: &[u8]) -> Option<Totp> {
    // What apps take for granted: SHA-1, six digits, thirty seconds.
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
            assert_eq!(step(SECRET, code, at(seconds)), Some(seconds / 30), "{code}");
        }
    }

    #[test]
    fn m_14_one_step_of_leeway_and_no_more() {
        let (seconds, code) = KNOWN[2];
        for (late, right) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            assert_eq!(step(SECRET, code, at(seconds + late)).is_some(), right, "{late} s");
        }
        for wrong in ["", "00592", "0059240", "abcdef", "\u{0660}05924"] {
            assert_eq!(step(SECRET, wrong, at(seconds)), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_is_told_who_we_are() {
        let offer = offer(SECRET, "ada+x@example.org");
        assert_eq!(offer.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(offer.uri.starts_with("otpauth://totp/Castellan:ada%2Bx%40example.org?secret=GEZ"), "{}", offer.uri);
    }
}
