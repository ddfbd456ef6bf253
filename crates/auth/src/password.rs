//! Passwords: strength check, and Argon2id hashes with a limit on how many are computed at once.
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use domain::Invalid;
use rustix::{process::setpriority_process, thread::gettid};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};
use tokio::sync::{Semaphore, oneshot};
use unicode_normalization::UnicodeNormalization;

/// Memory in KiB, passes and lanes of Argon2id (OWASP's first recommendation): 19 MiB per hash.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// The nice value of hashing threads.
const NICE: i32 = 10;

/// Common passwords of 12 characters and more; zxcvbn knows the short ones.
const COMMON_PASSWORDS: &[&str] = &[
    "123456789012",
    "1234567890123",
    "12345678901234",
    "1234567890qwerty",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "abcdefghijkl",
    "abcdefghijklm",
    "abc123abc123",
    "adminadminadmin",
    "administrator",
    "administrator1",
    "castellancastellan",
    "changemechangeme",
    "changemenow1",
    "correcthorsebatterystaple",
    "correct horse battery staple",
    "iloveyou1234",
    "iloveyouiloveyou",
    "letmeinletmein",
    "letmein12345",
    "password1234",
    "password12345",
    "password123456",
    "passwordpassword",
    "p@ssw0rd1234",
    "p@ssword1234",
    "qwerty123456",
    "qwertyqwerty",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiopasdf",
    "qwertyuiopasdfghjkl",
    "welcome12345",
    "welcomewelcome",
    "zaq12wsxcde3",
    "zxcvbnm12345",
    "asdfghjkl123",
    "trustno1trustno1",
];

/// Checks that a password has 12 to 128 characters of any kind and is not easily guessed by someone who knows `user_inputs`
/// (names, addresses). Takes some milliseconds.
///
/// # Errors
/// Fails with a message for the person who chose the password.
pub fn check(password: &str, user_inputs: &[&str]) -> Result<(), Invalid> {
    let refuse = |why: String| Err(Invalid::new("password", why));
    if !(12..=128).contains(&password.chars().count()) {
        return refuse("must have 12 to 128 characters".into());
    }
    let plain = password.to_lowercase();
    if COMMON_PASSWORDS.contains(&plain.as_str()) {
        return refuse("is one that many people use; choose another".into());
    }
    let guess = zxcvbn::zxcvbn(password, user_inputs);
    if guess.score() < zxcvbn::Score::Three {
        let hint = guess.feedback().and_then(|f| f.warning()).map(|w| format!(" ({w})")).unwrap_or_default();
        return refuse(format!("is easily guessed{hint}; a few random words are better"));
    }
    Ok(())
}

/// Hashes and verifies passwords on half of the cores at once: each takes 19 MiB and a core for some 20 milliseconds, and pages
/// must stay responsive while many people sign in.
#[derive(Clone, Debug)]
pub struct Hasher {
    permits: Arc<Semaphore>,
    /// The dummy hash to verify against for unknown accounts, so that the response time is the same.
    dummy_hash: Arc<str>,
    verified: Arc<AtomicU64>,
}

/// A failure to hash a password.
#[derive(Debug, thiserror::Error)]
#[error("passwords cannot be hashed: {0}")]
pub struct HashError(String);

impl Hasher {
    /// Creates a hasher for this machine.
    ///
    /// # Errors
    /// Fails if the operating system returns no random bytes.
    pub fn new() -> Result<Self, HashError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let dummy_hash = hash("password of no account").map_err(HashError)?.into();
        Ok(Self { permits: Arc::new(Semaphore::new(cores.div_ceil(2))), dummy_hash, verified: Arc::default() })
    }

    /// Returns the hash of a password as a PHC string.
    ///
    /// # Errors
    /// Fails if the operating system returns no random bytes.
    pub async fn hash(&self, password: String) -> Result<String, HashError> {
        self.run(move || hash(&prepared(&password))).await?.map_err(HashError)
    }

    /// Returns whether the password matches the hash. Without a hash it returns false after the same time.
    ///
    /// # Errors
    /// Fails if the runtime is shutting down.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, HashError> {
        self.verified.fetch_add(1, Ordering::Relaxed);
        let dummy_hash = Arc::clone(&self.dummy_hash);
        self.run(move || {
            let known = hash.is_some();
            let phc = hash.unwrap_or_else(|| dummy_hash.to_string());
            let password = prepared(&password);
            let right =
                PasswordHash::new(&phc).is_ok_and(|phc| argon2().verify_password(password.as_bytes(), &phc).is_ok());
            right && known
        })
        .await
    }

    /// Returns how many passwords were verified.
    pub fn verifications(&self) -> u64 {
        self.verified.load(Ordering::Relaxed)
    }

    /// Runs in its own thread, which keeps its permit when the caller is cancelled.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        let error = |error: &dyn fmt::Display| HashError(error.to_string());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|closed| error(&closed))?;
        let (sender, outcome) = oneshot::channel();
        let hash = move || {
            // Pages have priority. If the system refuses this, hashing continues at normal priority.
            let _ = setpriority_process(Some(gettid()), NICE);
            let outcome = work();
            drop(permit);
            let _ = sender.send(outcome); // the caller may be cancelled
        };
        thread::Builder::new().name("hash".into()).spawn(hash).map_err(|refused| error(&refused))?;
        outcome.await.map_err(|died| error(&died))
    }
}

/// Returns a password as RFC 8265 (section 4.2, OpaqueString) prepares it: keyboards send the same letters composed or not, and other
/// spaces.
fn prepared(password: &str) -> String {
    let with_space = |c: char| if c.is_whitespace() && !c.is_control() { ' ' } else { c };
    password.chars().map(with_space).nfc().collect()
}

fn argon2() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(memory, passes, lanes, None).unwrap_or_default())
}

/// `password` is prepared.
fn hash(password: &str) -> Result<String, String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| error.to_string())?;
    argon2()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map(|phc| phc.to_string())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_02_short_common_and_guessable_passwords_are_refused() {
        for bad in
            ["", "short", "passwordpassword", "Correct Horse Battery Staple", "aaaaaaaaaaaaaaaa", "ada@example.org"]
        {
            assert!(check(bad, &["ada@example.org"]).is_err(), "{bad}");
        }
        assert!(check(&"x".repeat(129), &[]).is_err());
        for good in ["vole-anvil-tumble-39", "snow \u{1f9ca} melts over brass hinges", "Tz7!kq0-Wm3x#"] {
            check(good, &[]).unwrap();
        }
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_with_the_stated_cost_and_verifies() {
        let hasher = Hasher::new().unwrap();
        let hash = hasher.hash("vole-anvil-tumble-39".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hasher.verify("vole-anvil-tumble-39".into(), Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("vole-anvil-tumble-38".into(), Some(hash)).await.unwrap());
        assert!(!hasher.verify("password of no account".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn case_bc25_a_password_is_the_same_on_every_keyboard() {
        let hasher = Hasher::new().unwrap();
        let hash = hasher.hash("Gr\u{fc}\u{df}e aus Z\u{fc}rich 9 \u{1f9ca}".into()).await.unwrap();
        let verify = async |typed: &str| hasher.verify(typed.to_owned(), Some(hash.clone())).await.unwrap();
        assert!(verify("Gru\u{308}\u{df}e aus Zu\u{308}rich 9 \u{1f9ca}").await, "decomposed");
        assert!(verify("Gr\u{fc}\u{df}e\u{a0}aus\u{3000}Z\u{fc}rich 9 \u{1f9ca}").await, "other spaces");
        assert!(!verify("gr\u{fc}\u{df}e aus Z\u{fc}rich 9 \u{1f9ca}").await, "letter case counts");
        assert!(!verify("Gr\u{fc}\u{df}e aus Z\u{fc}rich \u{ff19} \u{1f9ca}").await, "another character");
    }

    #[tokio::test]
    async fn hashing_has_low_priority_and_keeps_its_permit_when_the_caller_is_cancelled() {
        let hasher = Hasher::new().unwrap();
        let priority = || rustix::process::getpriority_process(Some(gettid())).unwrap();
        assert!(hasher.run(priority).await.unwrap() >= NICE);
        let free = hasher.permits.available_permits();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let left = hasher.run(move || ended.recv());
        assert!(tokio::time::timeout(std::time::Duration::from_millis(50), left).await.is_err());
        assert_eq!(hasher.permits.available_permits(), free - 1);
        drop(end);
        let _all = hasher.permits.acquire_many(u32::try_from(free).unwrap()).await.unwrap();
    }
}
