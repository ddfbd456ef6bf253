//! Recovery codes: ten codes of 80 random bits each, shown once, of which only hashes are stored.
use crate::{Error, token};
use sha2::{Digest, Sha256};

/// Codes in a set.
pub const COUNT: usize = 10;

/// Crockford's Base32, which leaves out characters that look alike.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A set of new codes; `Debug` leaves them out.
pub struct RecoveryCodes {
    /// The codes, one to a line.
    pub text: String,
    /// The hashes that are stored.
    pub hashes: Vec<[u8; 32]>,
}

impl std::fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCodes")
    }
}

impl RecoveryCodes {
    /// Generates a set.
    ///
    /// # Errors
    /// Fails with [`Error::NoRandomness`].
    pub fn new() -> Result<Self, Error> {
        let codes = (0..COUNT).map(|_| token::random::<10>().map(format_code)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { hashes: codes.iter().map(|code| hash(code)).collect(), text: codes.join("\n") })
    }
}

/// Returns the hash of a code, however it was typed. 80 random bits need no slow hash.
pub fn hash(typed: &str) -> [u8; 32] {
    let plain = typed.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        plain => plain,
    });
    Sha256::digest(format!("recovery {}", plain.collect::<String>())).into()
}

/// Formats random bits as four groups of four characters.
fn format_code(random: [u8; 10]) -> String {
    let mut bits = random.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let mut code = String::new();
    for n in 0..16 {
        if n > 0 && n % 4 == 0 {
            code.push('-');
        }
        let digit = usize::try_from(bits & 31).unwrap_or(0);
        code.push(char::from(ALPHABET[digit]));
        bits >>= 5;
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m_14_ten_codes_are_distinct_and_recognized_in_any_notation() {
        let codes = RecoveryCodes::new().unwrap();
        let lines: Vec<_> = codes.text.lines().collect();
        assert_eq!((lines.len(), codes.hashes.len()), (10, 10));
        for (n, (line, kept)) in lines.iter().zip(&codes.hashes).enumerate() {
            assert_eq!(line.len(), 19, "{line}");
            for typed in [line.to_uppercase(), line.replace('-', ""), line.replace('-', " "), line.replace('0', "O")] {
                assert_eq!(hash(&typed), *kept);
            }
            assert!(!lines[n + 1..].contains(line));
        }
        assert!(!format!("{codes:?}").contains(lines[0]));
    }
}
