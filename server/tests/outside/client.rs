//! HTTP client for browsers, API programs and attackers.
use crate::{
    events::Events,
    people::Browser,
    program::Program,
    timeouts::{DEFAULT_TIMEOUT, with_timeout},
};
use reqwest::{
    Client, Method, RequestBuilder,
    header::{HeaderMap, SET_COOKIE},
    redirect::Policy,
};
use serde_json::Value;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};
use url::form_urlencoded::Serializer;

/// The credentials of a request.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    Anonymous,
    Browser(&'a Browser),
    Key(&'a str),
}

/// A complete response.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Response {
    pub async fn of(request: RequestBuilder) -> Self {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let what = format!("{} {} is answered", request.method(), request.url());
        with_timeout(DEFAULT_TIMEOUT, &what, async {
            let response = client.execute(request).await.expect("the server responds");
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
            Self { status, headers, body }
        })
        .await
    }

    /// Checks the status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the session cookie that the response sets.
    pub fn cookie(&self) -> Option<String> {
        let lines = self.headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        let value = |line: &str| Some(line.strip_prefix("castellan=")?.split(';').next()?.to_owned());
        lines.filter_map(value).rfind(|value| !value.is_empty())
    }

    /// Returns the token or link that an action shows once.
    pub fn secret(&self) -> String {
        self.json()["secret"].as_str().unwrap_or_else(|| panic!("the response contains no secret: {self}")).to_owned()
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}\n{}", self.status, self.headers, self.body.get(..2_000).unwrap_or(&self.body))
    }
}

/// Returns a client without cookies and redirects, at the address 127.0.0.`last`.
pub fn client(last: u8) -> Client {
    let here = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    Client::builder().local_address(here).redirect(Policy::none()).no_proxy().build().unwrap()
}

/// Encodes form fields.
pub fn form(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

impl Program {
    /// Returns a request with only method and path.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.origin))
    }

    /// Returns a request with the credentials of `who`; the caller adds a body.
    pub fn request(&self, who: Credential<'_>, method: Method, path: &str) -> RequestBuilder {
        let changes = method == Method::POST;
        let request = self.bare(method, path);
        match who {
            Credential::Key(key) => request.bearer_auth(key),
            Credential::Anonymous if !changes => request,
            Credential::Anonymous => request.header("sec-fetch-site", "same-origin"),
            Credential::Browser(browser) => {
                request.header("cookie", browser.cookie_line()).header("sec-fetch-site", "same-origin")
            }
        }
    }

    /// Sends the request and stores a new session cookie in the browser.
    pub async fn send(&self, who: Credential<'_>, request: RequestBuilder) -> Response {
        let response = Response::of(request).await;
        if let (Credential::Browser(browser), Some(cookie)) = (who, response.cookie()) {
            browser.keep(cookie);
        }
        response
    }

    pub async fn get(&self, who: Credential<'_>, path: &str) -> Response {
        self.send(who, self.request(who, Method::GET, path)).await
    }

    /// Calls a server function as an island does.
    pub async fn act(&self, who: Credential<'_>, action: &str, fields: &[(&str, &str)]) -> Response {
        self.send(who, self.action(who, action, "application/json", &form(fields))).await
    }

    /// Returns a call of a server function; `accept` distinguishes islands from plain forms.
    pub fn action(&self, who: Credential<'_>, action: &str, accept: &str, body: &str) -> RequestBuilder {
        let request = self.request(who, Method::POST, &format!("/actions/{action}"));
        let kind = "application/x-www-form-urlencoded";
        request.header("content-type", kind).header("accept", accept).body(body.to_owned())
    }

    /// Calls the API.
    pub async fn post(&self, who: Credential<'_>, path: &str, body: &Value) -> Response {
        self.send(who, self.request(who, Method::POST, path).json(body)).await
    }

    /// Opens a stream of server-sent events.
    pub async fn listen(&self, who: Credential<'_>, path: &str) -> Events {
        Events::of(self.request(who, Method::GET, path).send().await.unwrap())
    }
}
