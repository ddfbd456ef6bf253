//! Authorization code flow of a browser with a provider.
use super::fake_provider::Provider;
use crate::{
    client::{Credential, Response},
    people::Browser,
    program::Program,
};
use reqwest::{Method, header::SET_COOKIE};
use url::Url;

/// A browser that was redirected to a provider.
pub struct ProviderRedirect {
    /// The authorization request.
    pub to: Url,
    /// The cookie of the flow as `name=value`.
    pub flow_cookie: String,
}

/// Returns the flow cookie that a response sets.
pub fn flow_cookie(response: &Response) -> Option<String> {
    let lines = response.headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pair =
        |line: &str| Some(line.split(';').next()?.to_owned()).filter(|pair| pair.starts_with("castellan-sign-in-"));
    lines.filter_map(pair).rfind(|pair| !pair.ends_with('='))
}

impl Program {
    /// Requests the sign-in link of a provider.
    pub async fn start_provider_sign_in(&self, who: Credential<'_>, path: &str) -> Response {
        self.get(who, path).await
    }

    /// Requests the sign-in link, which must redirect to the provider.
    pub async fn redirect_to_provider(&self, who: Credential<'_>, path: &str) -> ProviderRedirect {
        let response = self.start_provider_sign_in(who, path).await.is(303);
        let to = response.header("location").parse().unwrap();
        let flow_cookie = flow_cookie(&response).expect("the ticket cookie");
        ProviderRedirect { to, flow_cookie }
    }

    /// Requests the callback URL of a provider with these cookies.
    pub async fn provider_callback(&self, key: &str, cookies: &[&str], query: &str) -> Response {
        let request = self.bare(Method::GET, &format!("/sign-in/from/{key}?{query}"));
        // The headers of a cross-site navigation.
        let request = request.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        Response::of(request).await
    }

    /// Completes the flow with consent and returns the callback's response.
    pub async fn complete_provider_sign_in(&self, provider: &Provider, key: &str) -> Response {
        let redirect = self.redirect_to_provider(Credential::Anonymous, &format!("/sign-in/with/{key}")).await;
        self.provider_callback(key, &[&redirect.flow_cookie], &provider.consent(&redirect.to)).await
    }

    /// Completes the flow, which must sign in.
    pub async fn sign_in_with_provider(&self, provider: &Provider, key: &str) -> Browser {
        let response = self.complete_provider_sign_in(provider, key).await.is(303);
        assert_eq!(response.header("location"), "/");
        Browser::with(&response.cookie().expect("the sign-in sets a cookie"))
    }

    /// Completes the flow that links a provider to the browser's account.
    pub async fn link_provider(&self, browser: &Browser, provider: &Provider, key: &str) -> Response {
        let redirect = self.redirect_to_provider(Credential::Browser(browser), &format!("/account/link/{key}")).await;
        self.provider_callback(key, &[&redirect.flow_cookie, &browser.cookie_line()], &provider.consent(&redirect.to))
            .await
    }
}
