//! HTTP client for all outgoing requests: each name is resolved once and each address checked (SSRF), no redirect is followed, and
//! time and size are limited.
mod address;

pub use address::Policy;

use address::is_internal;
use http::{Request, Response};
use reqwest::{
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use url::{Host, Url};

/// The timeout of a request, including its response.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest response in bytes.
pub const MAX_RESPONSE: usize = 256 * 1024;

/// The reason why a request failed. The messages contain no text of the response.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL's scheme or address is not allowed.
    #[error("the address is not allowed")]
    Address,
    #[error("no response: {0}")]
    NoResponse(#[source] reqwest::Error),
    #[error("the response is longer than {MAX_RESPONSE} bytes")]
    TooLarge(http::StatusCode),
    #[error("the response is a redirect, which is not followed")]
    Redirect,
}

impl Error {
    /// Returns whether the address was refused, by the URL or after the resolution of its name.
    pub fn is_address(&self) -> bool {
        let error: &dyn std::error::Error = self;
        let mut causes = std::iter::successors(Some(error), |error| error.source());
        causes.any(|error| matches!(error.downcast_ref(), Some(Self::Address)))
    }
}

/// A response, and whether it came from an internal address.
#[derive(Debug)]
pub struct Answer {
    pub response: Result<Response<Vec<u8>>, Error>,
    pub is_internal: bool,
}

/// An HTTP client with a policy. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    client: reqwest::Client,
    policy: Arc<Policy>,
}

impl Client {
    /// # Errors
    /// Fails if the system's root certificates cannot be read.
    pub fn new(policy: Policy) -> Result<Self, Error> {
        let policy = Arc::new(policy);
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .connect_timeout(TIMEOUT)
            .user_agent("Castellan")
            .dns_resolver(CheckedResolver(policy.clone()))
            .build()
            .map_err(Error::NoResponse)?;
        Ok(Self { client, policy })
    }

    /// Returns whether a URL is allowed. Host names are checked when they are resolved; literal addresses never are.
    pub fn may_request(&self, url: &Url) -> bool {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return false,
        };
        let plain = match address {
            Some(address) => self.policy.allows_plain(address),
            None => self.policy.loopback && url.host_str() == Some("localhost"),
        };
        (url.scheme() == "https" || url.scheme() == "http" && plain)
            && address.is_none_or(|address| self.policy.allows(address))
    }

    /// Sends a request and reads the whole response.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Answer {
        let mut is_internal = false;
        let response = self.exchange(request, &mut is_internal).await;
        Answer { response, is_internal }
    }

    async fn exchange(&self, request: Request<Vec<u8>>, internal: &mut bool) -> Result<Response<Vec<u8>>, Error> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| Error::Address)?;
        if !self.may_request(&url) {
            return Err(Error::Address);
        }
        let request = reqwest::Request::try_from(request).map_err(Error::NoResponse)?;
        let mut response = self.client.execute(request).await.map_err(Error::NoResponse)?;
        *internal = response.remote_addr().is_none_or(|address| is_internal(address.ip()));
        if response.status().is_redirection() {
            return Err(Error::Redirect);
        }
        let mut answer = Response::new(vec![]);
        (*answer.status_mut(), *answer.headers_mut()) = (response.status(), response.headers().clone());
        while let Some(chunk) = response.chunk().await.map_err(Error::NoResponse)? {
            if answer.body().len() + chunk.len() > MAX_RESPONSE {
                return Err(Error::TooLarge(answer.status()));
            }
            answer.body_mut().extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

/// A resolver that returns allowed addresses only, against DNS rebinding: the client connects to these without resolving again.
#[derive(Clone, Debug)]
struct CheckedResolver(Arc<Policy>);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let good: Vec<SocketAddr> = found.filter(|address| policy.allows(address.ip())).collect();
            if good.is_empty() {
                return Err(Error::Address.into());
            }
            let good: Addrs = Box::new(good.into_iter());
            Ok(good)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(loopback: bool) -> Client {
        let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Client::new(Policy { loopback, own: loopback, ..Policy::default() }).unwrap()
    }

    #[tokio::test]
    async fn a_02_a_name_resolves_to_allowed_addresses_only() {
        let resolve = async |loopback: bool| {
            let policy = Policy { loopback, ..Policy::default() };
            CheckedResolver(policy.into()).resolve("localhost".parse().unwrap()).await
        };
        let refused = resolve(false).await.map(|_| ()).unwrap_err().to_string();
        assert_eq!(refused, Error::Address.to_string());
        let found: Vec<_> = resolve(true).await.map(Iterator::collect).unwrap();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
    }

    #[tokio::test]
    async fn a_02_a_client_does_not_connect_to_a_forbidden_address_behind_a_name() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let https = format!("https://localhost:{}/token", listener.local_addr().unwrap().port());
        let get = || Request::get(&https).body(vec![]).unwrap();
        let public = client(false);
        assert!(public.may_request(&https.parse().unwrap()), "the URL alone does not reveal the address");
        let error = public.send(get()).await.response.unwrap_err();
        assert!(error.is_address(), "{error:?}");
        let connection = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
        assert!(connection.is_err(), "a connection was made: {connection:?}");

        let (local, request) = (client(true), get());
        let request = tokio::spawn(async move { local.send(request).await });
        let connection = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await;
        connection.unwrap().unwrap();
        request.abort();
    }

    #[tokio::test]
    async fn d_10_a_server_that_does_not_respond_is_abandoned() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let silent = tokio::spawn(async move {
            let connection = listener.accept().await;
            tokio::time::sleep(TIMEOUT * 3).await;
            drop(connection);
        });
        let started = tokio::time::Instant::now();
        let answer = client(true).send(Request::get(&url).body(vec![]).unwrap()).await;
        assert!(matches!(answer.response, Err(Error::NoResponse(_))) && started.elapsed() < TIMEOUT * 2);
        silent.abort();
    }
}
