//! Fuzz targets: one function per parser, with the properties that must hold for any input.
use domain::{
    Email, EventId, OrganizationId, PersonId, TaskId, TenantId, Timestamp, ansi,
    checkpoint::Checkpoint,
    grant::Grant,
    label::Labels,
    passkey::{Assertion, Base64Url, Passkey, PasskeyAddition, PublicKeyVerifier},
    receipt::Receipt,
    request::Request,
    scope::Scopes,
    task::SubmissionForm,
    text,
};

/// A parsed request has exactly one spelling.
pub fn request(bytes: &[u8]) {
    if let Ok(read) = Request::read(bytes) {
        assert_eq!(read.canonical(), bytes);
    }
}

pub fn submission(bytes: &[u8]) {
    if let Ok(form) = serde_json::from_slice::<SubmissionForm>(bytes) {
        let _ = form.check(OrganizationId(uuid::Uuid::nil()));
    }
}

/// Pagination cursors; an accepted one round-trips.
pub fn cursor(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(task) = text.parse::<TaskId>() {
        assert_eq!(task.to_string().parse(), Ok(task));
    }
    if let Ok(event) = text.parse::<EventId>() {
        assert_eq!(event.to_string().parse(), Ok(event));
    }
}

/// The output contains no control characters and only known classes.
pub fn ansi(bytes: &[u8]) {
    let line = String::from_utf8_lossy(bytes);
    for span in ansi::spans(&line) {
        assert!(span.text.chars().all(|c| c == '\t' || !c.is_control()), "{span:?}");
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_known = |class: &str| class.starts_with("ansi-") && class.chars().all(is_plain);
        assert!(span.class.is_empty() || span.class.split(' ').all(is_known), "{span:?}");
    }
}

pub fn reveal(bytes: &[u8]) {
    let line = String::from_utf8_lossy(bytes);
    assert!(line.is_empty() || !text::reveal(&line).is_empty());
}

pub fn receipt(bytes: &[u8]) {
    if let Ok(read) = Receipt::read(bytes) {
        assert_eq!(read.canonical(), bytes);
        assert!(!read.signed_bytes().is_empty());
    }
}

pub fn grant(bytes: &[u8]) {
    if let Ok(read) = Grant::read(bytes) {
        assert_eq!(read.canonical(), bytes);
    }
}

/// An accepted browser response becomes an assertion with one spelling, and no assertion confirms a statement without its key.
pub fn assertion(bytes: &[u8]) {
    let Ok(assertion) = Assertion::from_browser(&String::from_utf8_lossy(bytes)) else { return };
    assert_eq!(assertion.to_string().parse(), Ok(assertion.clone()));
    let passkey = Passkey {
        tenant: TenantId(uuid::Uuid::nil()),
        person: PersonId(uuid::Uuid::nil()),
        credential_id: assertion.credential_id.clone(),
        public_key: Base64Url(vec![]),
        relying_party: "castellan.example.org".into(),
    };
    let statement = PasskeyAddition { passkey: passkey.clone(), at: Timestamp(0) };
    assert!(assertion.check(&statement, &passkey, &NoKeys).is_err());
}

struct NoKeys;

impl PublicKeyVerifier for NoKeys {
    fn verifies(&self, _: &[u8], _: &[u8], _: &[u8]) -> bool {
        false
    }
}

pub fn checkpoint(bytes: &[u8]) {
    let note = String::from_utf8_lossy(bytes);
    if let Ok((read, signature)) = Checkpoint::read(&note, &[1; 32]) {
        assert_eq!(Checkpoint::read(&read.note(&[1; 32], &signature), &[1; 32]), Ok((read, signature)));
    }
}

/// Short text of forms and URLs; an accepted value round-trips.
pub fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(email) = Email::parse(&text) {
        assert_eq!(Email::parse(email.as_str()).unwrap(), email);
    }
    if let Ok(scopes) = text.parse::<Scopes>() {
        assert_eq!(scopes.to_string().parse::<Scopes>().unwrap().to_string(), scopes.to_string());
    }
    let _ = Labels::parse(&text);
    let _ = text::name("name", &text, 80);
}
