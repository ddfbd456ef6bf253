//! HTTP client for providers: which addresses each may use, and failures that do not reveal internal services.
use domain::provider::is_loopback;
use futures::future::BoxFuture;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use outbound::{Client, MAX_RESPONSE, Policy};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};
use tokio::time::{Instant, sleep_until};
use url::Url;

pub(super) use outbound::TIMEOUT;

/// The HTTP clients for providers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetch {
    guarded: Client,
    trusted: Client,
    loopback: Client,
}

/// Who configured a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfiguredBy {
    /// The operator of the server.
    Operator,
    /// An admin of a tenant, who must not explore the server's network by means of a provider.
    Tenant,
}

/// The reason why a request to a provider failed. The messages contain no text of its response.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL's scheme or address is not allowed.
    #[error(
        "this address is not allowed: it must be https, and not on this machine, link-local or a cloud metadata service"
    )]
    Address,
    #[error("no response: {0}")]
    NoResponse(#[source] reqwest::Error),
    /// The one failure of requests that could tell which internal addresses and ports are in use.
    #[error("no valid response; check that the server can reach this address over https and trusts its certificate")]
    Unreachable,
    #[error("the response is longer than {MAX_RESPONSE} bytes")]
    TooLarge,
    #[error("the response is a redirect, which is not followed")]
    Redirect,
}

impl From<outbound::Error> for FetchError {
    fn from(error: outbound::Error) -> Self {
        match error {
            outbound::Error::Address => Self::Address,
            outbound::Error::NoResponse(error) => Self::NoResponse(error),
            outbound::Error::TooLarge(_) => Self::TooLarge,
            outbound::Error::Redirect => Self::Redirect,
        }
    }
}

impl Fetch {
    /// # Errors
    /// Fails if the system's root certificates cannot be read.
    pub fn new() -> Result<Self, FetchError> {
        // Private networks are allowed, because a company's own provider is there.
        let client = |loopback: bool, own: bool| Client::new(Policy { loopback, own, private: true, networks: vec![] });
        Ok(Self { guarded: client(false, false)?, trusted: client(false, true)?, loopback: client(true, true)? })
    }

    /// Returns the client for an issuer. It connects to loopback addresses only for an issuer on one, and to other addresses of
    /// this machine only if the operator configured the provider.
    pub fn of(&self, issuer: &str, by: ConfiguredBy) -> ProviderClient {
        let client = match by {
            _ if is_loopback(issuer) => &self.loopback,
            ConfiguredBy::Operator => &self.trusted,
            ConfiguredBy::Tenant => &self.guarded,
        };
        let guarded = by == ConfiguredBy::Tenant;
        ProviderClient { client: client.clone(), guarded, internal: Arc::default() }
    }
}

/// The HTTP client for the endpoints of one issuer.
#[derive(Clone, Debug)]
pub struct ProviderClient {
    client: Client,
    /// Whether failures must not tell open, closed and unreachable ports of internal addresses apart.
    guarded: bool,
    /// Whether a response came from an internal address.
    internal: Arc<AtomicBool>,
}

impl ProviderClient {
    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    /// Fails with a [`FetchError`].
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        let host = request.uri().host().map(str::to_owned);
        let deadline = Instant::now() + TIMEOUT;
        let answer = self.client.send(request).await;
        self.internal.fetch_or(answer.is_internal, Relaxed);
        let result = answer.response.map_err(FetchError::from);
        let failed = match &result {
            Ok(response) => !response.status().is_success(),
            Err(error) => !matches!(error, FetchError::Address),
        };
        let unanswered = matches!(result, Err(FetchError::NoResponse(_)));
        if self.guarded && failed && (unanswered || self.internal.load(Relaxed)) {
            let status = result.as_ref().ok().map(|response| response.status().as_u16());
            tracing::info!(host, status, error = ?result.err(), "a request to a provider failed");
            sleep_until(deadline).await;
            return Err(FetchError::Unreachable);
        }
        result
    }

    /// Waits until `deadline` if the failure of what a guarded provider responded would reveal an internal service, and
    /// returns whether it would.
    pub(super) async fn conceal(&self, deadline: Instant) -> bool {
        let concealed = self.guarded && self.internal.load(Relaxed);
        if concealed {
            sleep_until(deadline).await;
        }
        concealed
    }

    /// Returns whether a URL is allowed.
    pub(super) fn may_request(&self, url: &Url) -> bool {
        self.client.may_request(url)
    }
}

impl<'c> AsyncHttpClient<'c> for ProviderClient {
    type Error = FetchError;
    type Future = BoxFuture<'c, Result<HttpResponse, FetchError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// Makes aws-lc-rs the TLS provider of the test process, as the server does at its start.
#[cfg(test)]
pub(super) fn install_tls_provider() {
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A port that speaks no TLS, one that is closed, and a name that does not exist.
    #[tokio::test]
    async fn a_02_failures_of_a_tenants_provider_are_indistinguishable() {
        install_tls_provider();
        let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let [open_port, closed_port] = [open.local_addr().unwrap().port(), {
            let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            gone.local_addr().unwrap().port()
        }];
        let refusing = tokio::spawn(async move {
            loop {
                drop(open.accept().await);
            }
        });
        let client = Fetch::new().unwrap().of("http://localhost:1", ConfiguredBy::Tenant);
        let ask = async |url: String| {
            let started = Instant::now();
            let error = client.send(http::Request::get(url).body(vec![]).unwrap()).await.unwrap_err();
            (error.to_string(), started.elapsed())
        };
        let outcomes = tokio::join!(
            ask(format!("https://localhost:{open_port}/")),
            ask(format!("https://localhost:{closed_port}/")),
            ask("https://does-not-exist.invalid/".into()),
        );
        refusing.abort();
        for (error, took) in [outcomes.0, outcomes.1, outcomes.2] {
            assert_eq!(error, FetchError::Unreachable.to_string());
            assert!(took >= TIMEOUT && took < TIMEOUT + Duration::from_secs(2), "{took:?}");
        }
    }

    #[test]
    fn a_02_endpoints_are_https_except_those_of_a_loopback_issuer() {
        install_tls_provider();
        let fetch = Fetch::new().unwrap();
        let allowed =
            |issuer: &str, url: &str| fetch.of(issuer, ConfiguredBy::Operator).may_request(&url.parse().unwrap());
        let (public, internal) = ("https://id.acme.example", "http://127.0.0.1:4000");
        assert!(allowed(public, "https://id.acme.example/token") && allowed(public, "https://10.0.0.1/token"));
        for bad in [
            "http://id.acme.example/token",
            "http://127.0.0.1:4000/token",
            "https://127.0.0.1/token",
            "https://[::1]/token",
            "https://169.254.169.254/latest",
            "https://0x7f000001/token",
            "ftp://id.acme.example/",
            "file:///etc/passwd",
        ] {
            assert!(!allowed(public, bad), "{bad}");
        }
        assert!(allowed(internal, "http://127.0.0.1:4000/token") && allowed(internal, "http://localhost:4000/token"));
        assert!(!allowed(internal, "http://169.254.169.254/") && !allowed(internal, "http://id.acme.example/"));
    }
}
