//! HTTP client for providers: no redirects, a time and a size limit, and no internal addresses (SSRF).
use domain::provider::is_loopback;
use futures::future::BoxFuture;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep_until};
use url::{Host, Url};

/// The timeout of a request, including its response.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest response in bytes.
const MAX_RESPONSE: usize = 256 * 1024;

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

impl Fetch {
    /// # Errors
    /// Fails if the system's root certificates cannot be read.
    pub fn new() -> Result<Self, FetchError> {
        let client = |loopback: bool, own: bool| {
            Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .timeout(TIMEOUT)
                .connect_timeout(TIMEOUT)
                .user_agent("Castellan")
                .dns_resolver(GuardedResolver { loopback, own })
                .build()
                .map_err(FetchError::NoResponse)
        };
        Ok(Self { guarded: client(false, false)?, trusted: client(false, true)?, loopback: client(true, true)? })
    }

    /// Returns the client for an issuer. It connects to loopback addresses only for an issuer on one, and to other addresses of
    /// this machine only if the operator configured the provider.
    pub fn of(&self, issuer: &str, by: ConfiguredBy) -> ProviderClient {
        let loopback = is_loopback(issuer);
        let client = match by {
            _ if loopback => &self.loopback,
            ConfiguredBy::Operator => &self.trusted,
            ConfiguredBy::Tenant => &self.guarded,
        };
        let guarded = by == ConfiguredBy::Tenant;
        ProviderClient { client: client.clone(), loopback, guarded, internal: Arc::default() }
    }
}

/// The HTTP client for the endpoints of one issuer.
#[derive(Clone, Debug)]
pub struct ProviderClient {
    client: Client,
    loopback: bool,
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
        let url = Url::parse(&request.uri().to_string()).map_err(|_| FetchError::Address)?;
        if !self.may_request(&url) {
            return Err(FetchError::Address);
        }
        let request = reqwest::Request::try_from(request).map_err(FetchError::NoResponse)?;
        let deadline = Instant::now() + TIMEOUT;
        let result = self.exchange(request).await;
        let failed = match &result {
            Ok(response) => !response.status().is_success(),
            Err(_) => true,
        };
        let unanswered = matches!(result, Err(FetchError::NoResponse(_)));
        if self.guarded && failed && (unanswered || self.internal.load(Relaxed)) {
            let status = result.as_ref().ok().map(|response| response.status().as_u16());
            tracing::info!(host = url.host_str(), status, error = ?result.err(), "a request to a provider failed");
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

    async fn exchange(&self, request: reqwest::Request) -> Result<HttpResponse, FetchError> {
        let mut response = self.client.execute(request).await.map_err(FetchError::NoResponse)?;
        if response.remote_addr().is_none_or(|address| is_internal(address.ip())) {
            self.internal.store(true, Relaxed);
        }
        if response.status().is_redirection() {
            return Err(FetchError::Redirect);
        }
        let mut answer = HttpResponse::new(vec![]);
        (*answer.status_mut(), *answer.headers_mut()) = (response.status(), response.headers().clone());
        while let Some(chunk) = response.chunk().await.map_err(FetchError::NoResponse)? {
            if answer.body().len() + chunk.len() > MAX_RESPONSE {
                return Err(FetchError::TooLarge);
            }
            answer.body_mut().extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    /// Returns whether a URL is allowed. Host names are checked by [`GuardedResolver`], which literal addresses never reach.
    pub(super) fn may_request(&self, url: &Url) -> bool {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return false,
        };
        let plain = self.loopback && (url.host_str() == Some("localhost") || address.is_some_and(|a| a.is_loopback()));
        (url.scheme() == "https" || url.scheme() == "http" && plain)
            && address.is_none_or(|address| may_connect(address, self.loopback, self.loopback || !self.guarded))
    }
}

impl<'c> AsyncHttpClient<'c> for ProviderClient {
    type Error = FetchError;
    type Future = BoxFuture<'c, Result<HttpResponse, FetchError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// A resolver that returns allowed addresses only, against DNS rebinding.
#[derive(Clone, Copy, Debug)]
struct GuardedResolver {
    loopback: bool,
    /// Whether other addresses of this machine are allowed.
    own: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { loopback, own } = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let good: Vec<SocketAddr> = found.filter(|address| may_connect(address.ip(), loopback, own)).collect();
            if good.is_empty() {
                return Err(Box::new(FetchError::Address).into());
            }
            let good: Addrs = Box::new(good.into_iter());
            Ok(good)
        })
    }
}

/// Metadata services of clouds that are not at a link-local address.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Returns the address that a connection reaches: NAT64 (RFC 6052) and 6to4 (RFC 3056) embed an IPv4 address.
fn embedded(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => match v6.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            _ => IpAddr::V6(v6),
        },
        v4 => v4,
    }
}

/// Returns whether a provider's endpoint may be at this address. Private networks are allowed, because a company's own provider
/// is there; `own` is whether addresses of this machine are, and `loopback` whether those on its loopback interface are.
fn may_connect(address: IpAddr, loopback: bool, own: bool) -> bool {
    let address = embedded(address);
    let local = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    let forbidden = local || address.is_unspecified() || address.is_multicast() || METADATA.contains(&address);
    !forbidden && (loopback || !address.is_loopback()) && (own || !is_own(address))
}

/// Returns whether this machine has the address: then a socket can be bound to it. No packet is sent.
fn is_own(address: IpAddr) -> bool {
    // With `net.ipv4.ip_nonlocal_bind`, sockets can be bound to any address. Then the kernel's choice of the source decides, which
    // knows the first address of an interface only.
    let (any, foreign) = match address {
        IpAddr::V4(_) => (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1))),
        IpAddr::V6(_) => {
            (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)))
        }
    };
    let binds = |address: IpAddr| UdpSocket::bind((address, 0)).is_ok();
    let is_source = || {
        let source = UdpSocket::bind((any, 0)).and_then(|socket| {
            socket.connect((address, 9))?;
            socket.local_addr()
        });
        source.is_ok_and(|source| source.ip() == address)
    };
    binds(address) && (!binds(foreign) || is_source())
}

/// Returns whether an address is not on the public internet.
fn is_internal(address: IpAddr) -> bool {
    match embedded(address) {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            // Shared address space (RFC 6598) and benchmarking (RFC 2544).
            let shared = (a == 100 && (64..128).contains(&b)) || (a == 198 && (b == 18 || b == 19));
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_documentation() || shared || a == 0
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_loopback() || v6.is_unicast_link_local(),
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

    #[test]
    fn a_02_link_local_metadata_and_loopback_addresses_are_forbidden() {
        for bad in [
            "169.254.169.254",
            "169.254.0.1",
            "fe80::1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
        ] {
            let bad: IpAddr = bad.parse().unwrap();
            assert!(!may_connect(bad, false, true) && !may_connect(bad, true, true), "{bad}");
        }
        for loopback in ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"] {
            assert!(
                !may_connect(loopback.parse().unwrap(), false, true)
                    && may_connect(loopback.parse().unwrap(), true, true),
                "{loopback}"
            );
        }
        for good in ["10.1.2.3", "192.168.1.1", "203.0.113.7", "2001:db8::1", "fd12::1"] {
            assert!(may_connect(good.parse().unwrap(), false, false), "{good}");
        }
    }

    #[test]
    fn a_02_the_machines_own_addresses_are_known_without_a_list() {
        for own in ["127.0.0.1", "127.8.9.10"] {
            assert!(is_own(own.parse().unwrap()), "{own}");
        }
        for other in ["203.0.113.7", "10.255.255.1", "2001:db8::1"] {
            assert!(!is_own(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn a_02_internal_addresses_are_those_that_the_internet_does_not_have() {
        for internal in
            ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"]
        {
            assert!(is_internal(internal.parse().unwrap()), "{internal}");
        }
        for public in ["8.8.8.8", "100.128.0.1", "2606:4700::1111"] {
            assert!(!is_internal(public.parse().unwrap()), "{public}");
        }
    }

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

    #[tokio::test]
    async fn a_02_a_name_resolves_to_allowed_addresses_only() {
        let resolve =
            async |loopback: bool| GuardedResolver { loopback, own: true }.resolve("localhost".parse().unwrap()).await;
        let refused = resolve(false).await.map(|_| ()).unwrap_err().to_string();
        assert_eq!(refused, FetchError::Address.to_string());
        let found: Vec<_> = resolve(true).await.map(Iterator::collect).unwrap();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
    }

    #[tokio::test]
    async fn a_02_a_client_does_not_connect_to_a_forbidden_address_behind_a_name() {
        install_tls_provider();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fetch = Fetch::new().unwrap();
        let get = |url: String| http::Request::get(url).body(vec![]).unwrap();
        let https = format!("https://localhost:{port}/token");

        let public = fetch.of("https://id.acme.example", ConfiguredBy::Operator);
        assert!(public.may_request(&https.parse().unwrap()), "the URL alone does not reveal the address");
        let error = public.send(get(https.clone())).await.unwrap_err();
        let error: &dyn std::error::Error = &error;
        let mut causes = std::iter::successors(Some(error), |error| error.source());
        assert!(causes.any(|cause| cause.to_string() == FetchError::Address.to_string()), "{error:?}");
        let connection = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
        assert!(connection.is_err(), "a connection was made: {connection:?}");

        let internal = fetch.of("https://localhost", ConfiguredBy::Operator);
        let request = tokio::spawn(async move { internal.send(get(https)).await });
        let connection = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await;
        connection.unwrap().unwrap();
        request.abort();
    }
}
