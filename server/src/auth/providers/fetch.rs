//! The one way in which a provider is asked: no redirects, little time, few bytes, and no address that is not meant for it.
use domain::provider::is_loopback;
use futures::future::BoxFuture;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use url::{Host, Url};

/// The longest that one request may take, its answer included.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most that an answer may be long.
const LARGEST: usize = 256 * 1024;

/// Asks providers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetch {
    outside: Client,
    inside: Client,
}

/// Why a provider could not be asked. What it answered is in none of these texts.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address is none that we ask.
    #[error(
        "this address is not asked: only https, and no address of this machine, of its link or of a cloud's metadata"
    )]
    Address,
    /// It did not answer, or not in time.
    #[error("there was no answer: {0}")]
    Silent(#[source] reqwest::Error),
    /// It answered more than we read.
    #[error("the answer is longer than {LARGEST} bytes")]
    Large,
    /// It sends us elsewhere.
    #[error("the answer leads elsewhere, which is not followed")]
    Elsewhere,
}

impl Fetch {
    /// Clients for providers out there, and for those on this machine itself.
    ///
    /// # Errors
    /// When the system's roots of trust cannot be read.
    pub fn new() -> Result<Self, FetchError> {
        let client = |loopback: bool| {
            Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .timeout(PATIENCE)
                .connect_timeout(PATIENCE)
                .user_agent("Castellan")
                .dns_resolver(Guarded { loopback })
                .build()
                .map_err(FetchError::Silent)
        };
        Ok(Self { outside: client(false)?, inside: client(true)? })
    }

    /// What asks the endpoints of this issuer: on this machine only for an issuer that is there itself.
    pub fn of(&self, issuer: &str) -> Asker {
        let loopback = is_loopback(issuer);
        Asker { client: if loopback { self.inside.clone() } else { self.outside.clone() }, loopback }
    }
}

/// Asks the endpoints of one issuer.
#[derive(Clone, Debug)]
pub struct Asker {
    client: Client,
    loopback: bool,
}

impl Asker {
    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| FetchError::Address)?;
        if !self.may_ask(&url) {
            return Err(FetchError::Address);
        }
        let request = reqwest::Request::try_from(request).map_err(FetchError::Silent)?;
        let mut response = self.client.execute(request).await.map_err(FetchError::Silent)?;
        if response.status().is_redirection() {
            return Err(FetchError::Elsewhere);
        }
        let mut answer = HttpResponse::new(vec![]);
        (*answer.status_mut(), *answer.headers_mut()) = (response.status(), response.headers().clone());
        while let Some(chunk) = response.chunk().await.map_err(FetchError::Silent)? {
            if answer.body().len() + chunk.len() > LARGEST {
                return Err(FetchError::Large);
            }
            answer.body_mut().extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    /// Names are looked up by [`Guarded`]; an address that is written out never comes there.
    pub(super) fn may_ask(&self, url: &Url) -> bool {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return false,
        };
        let plain = self.loopback && (url.host_str() == Some("localhost") || address.is_some_and(|a| a.is_loopback()));
        (url.scheme() == "https" || url.scheme() == "http" && plain)
            && address.is_none_or(|address| may_connect(address, self.loopback))
    }
}

impl<'c> AsyncHttpClient<'c> for Asker {
    type Error = FetchError;
    type Future = BoxFuture<'c, Result<HttpResponse, FetchError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

/// Looks names up once, and lets only those of their addresses be connected to that may be.
#[derive(Clone, Copy, Debug)]
struct Guarded {
    loopback: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback = self.loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let good: Vec<SocketAddr> = found.filter(|address| may_connect(address.ip(), loopback)).collect();
            if good.is_empty() {
                return Err(Box::new(FetchError::Address).into());
            }
            let good: Addrs = Box::new(good.into_iter());
            Ok(good)
        })
    }
}

/// Addresses at which clouds hand out the credentials of their machines, beside the link-local ones.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Whether an endpoint may be at this address. Private networks may: that is where a company's own provider is.
fn may_connect(address: IpAddr, loopback: bool) -> bool {
    let address = match address.to_canonical() {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) carry an IPv4 address.
        IpAddr::V6(v6) => match v6.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            _ => IpAddr::V6(v6),
        },
        v4 => v4,
    };
    let local = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    let nowhere = local || address.is_unspecified() || address.is_multicast() || METADATA.contains(&address);
    !nowhere && (loopback || !address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_02_endpoints_are_not_on_the_link_at_the_clouds_metadata_or_on_this_machine() {
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
            assert!(!may_connect(bad.parse().unwrap(), false) && !may_connect(bad.parse().unwrap(), true), "{bad}");
        }
        for ours in ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"] {
            assert!(!may_connect(ours.parse().unwrap(), false) && may_connect(ours.parse().unwrap(), true), "{ours}");
        }
        for good in ["10.1.2.3", "192.168.1.1", "203.0.113.7", "2001:db8::1", "fd12::1"] {
            assert!(may_connect(good.parse().unwrap(), false), "{good}");
        }
    }

    #[test]
    fn a_02_endpoints_are_https_except_of_an_issuer_on_this_machine() {
        crate::http::tls::install_provider();
        let fetch = Fetch::new().unwrap();
        let may = |issuer: &str, url: &str| fetch.of(issuer).may_ask(&url.parse().unwrap());
        let (outside, inside) = ("https://id.acme.example", "http://127.0.0.1:4000");
        assert!(may(outside, "https://id.acme.example/token") && may(outside, "https://10.0.0.1/token"));
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
            assert!(!may(outside, bad), "{bad}");
        }
        assert!(may(inside, "http://127.0.0.1:4000/token") && may(inside, "http://localhost:4000/token"));
        assert!(!may(inside, "http://169.254.169.254/") && !may(inside, "http://id.acme.example/"));
    }

    /// Names of this machine lead to it only where they may.
    #[tokio::test]
    async fn a_02_a_name_is_looked_up_only_to_addresses_that_may_be_asked() {
        let resolve = async |loopback: bool| Guarded { loopback }.resolve("localhost".parse().unwrap()).await;
        let refused = resolve(false).await.map(|_| ()).unwrap_err().to_string();
        assert_eq!(refused, FetchError::Address.to_string());
        let found: Vec<_> = resolve(true).await.map(Iterator::collect).unwrap();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
    }

    /// The client looks names up by nothing else: nobody even connects where it may not.
    #[tokio::test]
    async fn a_02_a_client_connects_to_no_address_behind_a_name_that_it_may_not_ask() {
        crate::http::tls::install_provider();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let Fetch { outside, inside } = Fetch::new().unwrap();
        let get = |url: String| http::Request::get(url).body(vec![]).unwrap();
        let https = format!("https://localhost:{port}/token");

        let outside = Asker { client: outside, loopback: false };
        assert!(outside.may_ask(&https.parse().unwrap()), "by its text it may be anybody");
        let error = outside.ask(get(https.clone())).await.unwrap_err();
        let error: &dyn std::error::Error = &error;
        let mut causes = std::iter::successors(Some(error), |error| error.source());
        assert!(causes.any(|cause| cause.to_string() == FetchError::Address.to_string()), "{error:?}");
        let nobody = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
        assert!(nobody.is_err(), "somebody connected: {nobody:?}");

        let inside = Asker { client: inside, loopback: true };
        let asking = tokio::spawn(async move { inside.ask(get(https)).await });
        let somebody = tokio::time::timeout(Duration::from_secs(5), listener.accept()).await;
        somebody.unwrap().unwrap();
        asking.abort();
    }
}
