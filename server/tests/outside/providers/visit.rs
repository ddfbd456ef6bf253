//! The way of a browser to a provider and back.
use reqwest::{Method, header::SET_COOKIE};
use url::Url;

use super::hostile::Provider;
use crate::{
    ask::{Answer, Who},
    people::Browser,
    program::Program,
};

/// A browser that was sent to a provider.
pub struct Sent {
    /// Where to.
    pub to: Url,
    /// The cookie that it got, with its name.
    pub ticket: String,
}

/// The pair of a cookie for the way that an answer sets, if it does.
pub fn ticket(answer: &Answer) -> Option<String> {
    let lines = answer.headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pair =
        |line: &str| Some(line.split(';').next()?.to_owned()).filter(|pair| pair.starts_with("castellan-sign-in="));
    lines.filter_map(pair).rfind(|pair| !pair.ends_with('='))
}

impl Program {
    /// Follows the link to a provider.
    pub async fn set_out(&self, who: Who<'_>, path: &str) -> Answer {
        self.get(who, path).await
    }

    /// The same, where it must lead there.
    pub async fn sent(&self, who: Who<'_>, path: &str) -> Sent {
        let answer = self.set_out(who, path).await.is(303);
        let to = answer.header("location").parse().unwrap();
        let ticket = ticket(&answer).expect("a cookie for the way");
        Sent { to, ticket }
    }

    /// Comes back to the address of a provider with these cookies.
    pub async fn come_back(&self, key: &str, cookies: &[&str], query: &str) -> Answer {
        let request = self.bare(Method::GET, &format!("/sign-in/from/{key}?{query}"));
        // So says a browser that another site sent here.
        let request = request.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        Answer::of(request).await
    }

    /// There and back, with consent.
    pub async fn visit(&self, provider: &Provider, key: &str) -> Answer {
        let sent = self.sent(Who::Nobody, &format!("/sign-in/with/{key}")).await;
        self.come_back(key, &[&sent.ticket], &provider.consent(&sent.to)).await
    }

    /// The same, where it must lead in.
    pub async fn come_in(&self, provider: &Provider, key: &str) -> Browser {
        let answer = self.visit(provider, key).await.is(303);
        assert_eq!(answer.header("location"), "/");
        Browser::with(&answer.cookie().expect("signing in sets a cookie"))
    }

    /// The same for somebody who links a provider to their account.
    pub async fn link(&self, browser: &Browser, provider: &Provider, key: &str) -> Answer {
        let sent = self.sent(Who::Browser(browser), &format!("/account/link/{key}")).await;
        self.come_back(key, &[&sent.ticket, &browser.cookie_line()], &provider.consent(&sent.to)).await
    }
}
