//! Passkey verifier (WebAuthn, level 3) for the server's host name.
use std::sync::Arc;
use url::{Host, Url};
use webauthn_rs::prelude::{Webauthn, WebauthnBuilder};

/// The verifier of passkeys for the server's host name.
#[derive(Clone, Debug)]
pub struct Passkeys {
    pub(crate) verifier: Arc<Webauthn>,
    /// The host name that passkeys are bound to (the relying party id).
    pub host: String,
    /// The origin of pages on that host.
    pub origin: String,
}

impl Passkeys {
    /// Returns a verifier for pages at `origin`. Passkeys are bound to a host name, so a bare IP address has none, except that
    /// a loopback address counts as `localhost`.
    pub fn at(origin: &str) -> Option<Self> {
        let mut url = Url::parse(origin).ok()?;
        let host = match url.host()? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) if address.is_loopback() => "localhost".to_owned(),
            Host::Ipv6(address) if address.is_loopback() => "localhost".to_owned(),
            Host::Ipv4(_) | Host::Ipv6(_) => return None,
        };
        url.set_host(Some(&host)).ok()?;
        let origin = url.origin().ascii_serialization();
        let verifier = WebauthnBuilder::new(&host, &url).and_then(|builder| builder.rp_name("Castellan").build());
        Some(Self { verifier: Arc::new(verifier.ok()?), host, origin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_are_bound_to_a_name() {
        for (origin, host) in [
            ("https://castellan.example.org", Some("castellan.example.org")),
            ("http://127.0.0.1:9876", Some("localhost")),
            ("http://[::1]:9876", Some("localhost")),
            ("https://192.0.2.7", None),
        ] {
            assert_eq!(Passkeys::at(origin).map(|at| at.host).as_deref(), host, "{origin}");
        }
        let local = Passkeys::at("http://127.0.0.1:9876").unwrap();
        assert_eq!(local.origin, "http://localhost:9876");
    }
}
