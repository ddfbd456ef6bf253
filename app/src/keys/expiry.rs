//! The expiry of an API key, as forms offer and parse it.
use crate::ui::Choice;
use domain::{Invalid, Timestamp, policy::KeyExpiryChange};
use std::time::Duration;

/// The longest time until a key expires, in days.
const MAX_DAYS: u32 = 366;
const DAY: Duration = Duration::from_hours(24);

/// Returns the expiry choices in display order.
pub(super) fn choices() -> impl Iterator<Item = Choice> {
    let days = [
        ("30", t!("key-days-30")),
        ("90", t!("key-days-90")),
        ("365", t!("key-days-365")),
        ("0", t!("key-days-never")),
    ];
    days.into_iter().map(|(value, label)| Choice::new(value, label))
}

/// Parses a choice: a number of days from now, `0` for no expiry, empty to keep the current expiry.
pub(super) fn parse(days: &str, now: Timestamp) -> Result<KeyExpiryChange, Invalid> {
    match days {
        "" => Ok(KeyExpiryChange::Kept),
        "0" => Ok(KeyExpiryChange::Never),
        days => {
            let days = days.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days));
            let days = days.ok_or_else(|| Invalid::new("days", t!("key-days-range")))?;
            Ok(KeyExpiryChange::At(now.after(DAY * days)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m_01_a_key_expires_within_a_year_or_never() {
        let now = Timestamp(0);
        let parsed = |days: &str| parse(days, now);
        assert!(choices().all(|choice| parsed(&choice.value).is_ok()), "every offered choice is valid");
        assert!(matches!(parsed(""), Ok(KeyExpiryChange::Kept)));
        assert!(matches!(parsed("0"), Ok(KeyExpiryChange::Never)));
        for (days, hours) in [("1", 24), ("366", 366 * 24)] {
            let Ok(KeyExpiryChange::At(at)) = parsed(days) else { panic!("{days}") };
            assert_eq!(at.since(now), Duration::from_hours(hours));
        }
        for wrong in ["367", "-1", "1.5", "00", "a year", "4294967296"] {
            assert!(parsed(wrong).is_err_and(|invalid| invalid.field == "days"), "{wrong}");
        }
    }
}
