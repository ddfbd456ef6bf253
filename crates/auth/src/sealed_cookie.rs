//! Sealed cookies: state of a sign-in that a browser keeps, encrypted for this deployment and bound to the cookie's name.
use crate::{SessionKey, cookie};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hmac,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue};
use secrecy::ExposeSecret;
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// Returns the `Set-Cookie` header; `None` when sealing fails.
pub(crate) fn seal(
    name: &str,
    content: &impl Serialize,
    max_age: Duration,
    key: &SessionKey,
    https: bool,
) -> Option<HeaderValue> {
    let mut sealed = serde_json::to_vec(content).ok()?;
    let nonce = cipher(key)?.seal_in_place_append_tag(Aad::from(name), &mut sealed).ok()?;
    let value = BASE64_URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &sealed].concat());
    set_cookie(name, &value, max_age, https)
}

/// Returns the content of a request's cookie; `None` for several of that name.
pub(crate) fn from_headers<T: DeserializeOwned>(headers: &HeaderMap, name: &str, key: &SessionKey) -> Option<T> {
    let mut found = cookie::values(headers, name);
    let (Some(value), None) = (found.next(), found.next()) else { return None };
    open(name, value, key)
}

/// Returns the content of a cookie; `None` if it was sealed elsewhere, under another name, or changed.
pub(crate) fn open<T: DeserializeOwned>(name: &str, value: &str, key: &SessionKey) -> Option<T> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut body = body.to_vec();
    let plain = cipher(key)?.open_in_place(Nonce::from(nonce), Aad::from(name), &mut body).ok()?;
    serde_json::from_slice(plain).ok()
}

/// Returns the `Set-Cookie` header that removes a cookie.
pub(crate) fn removal(name: &str, https: bool) -> Option<HeaderValue> {
    set_cookie(name, "", Duration::ZERO, https)
}

fn set_cookie(name: &str, value: &str, max_age: Duration, https: bool) -> Option<HeaderValue> {
    let (max_age, secure) = (max_age.as_secs(), if https { "; Secure" } else { "" });
    format!("{name}={value}; Max-Age={max_age}; Path=/; HttpOnly; SameSite=Lax{secure}").parse().ok()
}

/// Returns the sealing key, derived from the session key that all nodes share.
fn cipher(key: &SessionKey) -> Option<RandomizedNonceKey> {
    let from = hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret());
    RandomizedNonceKey::new(&AES_256_GCM, hmac::sign(&from, b"sealed cookie").as_ref()).ok()
}
