//! The way of a browser to a provider and back.
use reqwest::{Method, header::SET_COOKIE};
use url::Url;

use super::fake_provider::Provider;
use crate::{
    client::{Response, Who},
    people::Browser,
    program::Program,
};

/// A browser that was sent to a provider.
pub struct ProviderRedirect {
    /// Where to.
    pub to: Url,
    /// The cookie that it got, with its name.
    pub flow_cookie: String,
}

/// The pair of a cookie for the way that an answer sets, if it does.
pub fn flow_cookie(response: &Response) -> Option<String> {
    let lines = response.headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pair =
        |line: &str| Some(line.split(';').next()?.to_owned()).filter(|pair| pair.starts_with("castellan-sign-in="));
    lines.filter_map(pair).rfind(|pair| !pair.ends_with('='))
}

impl Program {
    /// Follows the link to a provider.
    pub async fn start_provider_sign_in(&self, who: Who<'_>, path: &str) -> Response {
        self.get(who, path).await
    }

    /// The same, where it must lead there.
    pub async fn redirect_to_provider(&self, who: Who<'_>, path: &str) -> ProviderRedirect {
        let response = self.start_provider_sign_in(who, path).await.is(303);
        let to = response.header("location").parse().unwrap();
        let flow_cookie = flow_cookie(&response).expect("a cookie for the way");
        ProviderRedirect { to, flow_cookie }
    }

    /// Comes back to the address of a provider with these cookies.
    pub async fn provider_callback(&self, key: &str, cookies: &[&str], query: &str) -> Response {
        let request = self.bare(Method::GET, &format!("/sign-in/from/{key}?{query}"));
        // So says a browser that another site sent here.
        let request = request.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        Response::of(request).await
    }

    /// There and back, with consent.
    pub async fn complete_provider_sign_in(&self, provider: &Provider, key: &str) -> Response {
        let redirect = self.redirect_to_provider(Who::Nobody, &format!("/sign-in/with/{key}")).await;
        self.provider_callback(key, &[&redirect.flow_cookie], &provider.consent(&redirect.to)).await
    }

    /// The same, where it must lead in.
    pub async fn sign_in_with_provider(&self, provider: &Provider, key: &str) -> Browser {
        let response = self.complete_provider_sign_in(provider, key).await.is(303);
        assert_eq!(response.header("location"), "/");
        Browser::with(&response.cookie().expect("signing in sets a cookie"))
    }

    /// The same for somebody who links a provider to their account.
    pub async fn link_provider(&self, browser: &Browser, provider: &Provider, key: &str) -> Response {
        let redirect = self.redirect_to_provider(Who::Browser(browser), &format!("/account/link/{key}")).await;
        self.provider_callback(key, &[&redirect.flow_cookie, &browser.cookie_line()], &provider.consent(&redirect.to)).await
    }
}
