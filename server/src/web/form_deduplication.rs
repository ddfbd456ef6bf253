//! Deduplication of form submissions: after a double click or going back, the second submission gets the response of the first, also
//! while that is still running. A form carries a random value of its page, and the same value with the same fields is the same
//! submission.
use app::ui::ONCE_FIELD;
use auth::Browser;
use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use domain::{BrowserSessionId, anomalies::subscriber_of};
use http::{HeaderValue, StatusCode, header, response::Parts};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    net::IpAddr,
    panic::resume_unwind,
    sync::Arc,
    time::{Duration, Instant},
};
use store::Store;
use tokio::{sync::watch, time::sleep};
use tracing::Instrument;

/// How long a response is kept.
const LIFETIME: Duration = Duration::from_mins(1);

/// The maximum size of all responses that are kept, in bytes, and the size of each beside its body: about a thousand redirects.
const MAX_BYTES: usize = 16 * 1024 * 1024;
const RESPONSE_BYTES: usize = 16 * 1024;

/// The minimum length of a page's value.
const MIN_LENGTH: usize = 16;

type Recorded = watch::Receiver<Option<(Parts, Bytes)>>;

/// The submissions of the last minute, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Submissions(Arc<Mutex<Vec<Submission>>>);

#[derive(Debug)]
struct Submission {
    key: [u8; 32],
    /// Digest of the same without the cookies.
    form: [u8; 32],
    source: Source,
    /// The holder of the session that it was made in.
    browser: Option<Arc<Browser>>,
    at: Instant,
    response: Recorded,
}

/// The client of a submission. If there are too many responses, those of the client with the most are removed, so that no client can
/// displace those of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    Session(BrowserSessionId),
    /// IPv4 address or IPv6 /64 network of clients without a session.
    Network(Option<IpAddr>),
}

impl Submission {
    fn is_over(&self) -> bool {
        self.at.elapsed() >= LIFETIME
    }

    /// Returns whether these cookies include all that the response has set: a second click can be sent after a sign-in.
    fn has_set(&self, cookies: &[u8]) -> bool {
        let response = self.response.borrow();
        let Some((parts, _)) = response.as_ref() else { return false };
        let set = parts.headers.get_all(header::SET_COOKIE).iter().map(|set| pair(set.as_bytes()));
        let mut set = set.filter(|pair| !pair.ends_with(b"=")).peekable(); // an empty value removes a cookie
        set.peek().is_some() && set.all(|pair| cookies.split(|&byte| byte == b';').any(|one| one.trim_ascii() == pair))
    }

    fn size(&self) -> usize {
        RESPONSE_BYTES + self.response.borrow().as_ref().map_or(0, |(_, body)| body.len())
    }
}

/// What a submission turned out to be, once its form was read.
#[derive(Debug)]
enum Claim {
    First([u8; 32], watch::Sender<Option<(Parts, Bytes)>>),
    /// The response of the first one, and the holder of its session.
    Again(Recorded, Option<Arc<Browser>>),
}

/// The submission of one request.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    submissions: Submissions,
    /// The cookies of the request: a response belongs to one session.
    cookies: Bytes,
    claim: Arc<Mutex<Option<Claim>>>,
}

impl Slot {
    /// Returns whether the form is to be processed: false if it was submitted before. `browser` is the holder of the session.
    pub fn claim(
        &self,
        path: &str,
        fields: &[(String, String)],
        browser: Option<&Browser>,
        address: Option<IpAddr>,
    ) -> bool {
        let Some((_, once)) = fields.iter().find(|(name, _)| name == ONCE_FIELD) else { return true };
        if once.len() < MIN_LENGTH {
            return true;
        }
        let form = Sha256::digest(format!("{path:?} {address:?} {fields:?}"));
        let key = Sha256::new().chain_update(form).chain_update(&self.cookies).finalize();
        let network = Source::Network(address.map(subscriber_of));
        let source = browser.map_or(network, |browser| Source::Session(browser.session));
        let claim = self.submissions.claim(key.into(), form.into(), &self.cookies, source, browser);
        let is_first = matches!(claim, Claim::First(..));
        self.claim.lock().replace(claim);
        is_first
    }
}

impl Submissions {
    fn claim(&self, key: [u8; 32], form: [u8; 32], cookies: &[u8], source: Source, browser: Option<&Browser>) -> Claim {
        let mut known = self.0.lock();
        // A submission that ended without a response can be made again.
        let ended = |one: &Submission| one.response.has_changed().is_err() && one.response.borrow().is_none();
        known.retain(|one| !one.is_over() && (one.key != key || !ended(one)));
        let is_same = |one: &&Submission| one.key == key || (one.form == form && one.has_set(cookies));
        if let Some(first) = known.iter().find(is_same) {
            return Claim::Again(first.response.clone(), first.browser.clone());
        }
        evict(&mut known);
        let (sender, response) = watch::channel(None);
        let browser = browser.cloned().map(Arc::new);
        known.push(Submission { key, form, source, browser, at: Instant::now(), response });
        Claim::First(key, sender)
    }

    /// Records a response for repetitions. One that is temporary is only for those that wait already.
    async fn record(
        &self,
        key: [u8; 32],
        sender: watch::Sender<Option<(Parts, Bytes)>>,
        response: Response,
    ) -> Response {
        let (parts, body) = response.into_parts();
        let Ok(body) = body.collect().await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        let body = body.to_bytes();
        sender.send_replace(Some((parts.clone(), body.clone())));
        if is_temporary(parts.status) {
            self.0.lock().retain(|one| one.key != key);
        }
        let submissions = self.clone();
        tokio::spawn(async move {
            sleep(LIFETIME).await;
            submissions.0.lock().retain(|one| !one.is_over());
        });
        Response::from_parts(parts, Body::from(body))
    }
}

/// Makes room for a response: removes the oldest ones of the source that takes the most space.
fn evict(known: &mut Vec<Submission>) {
    while known.iter().map(Submission::size).sum::<usize>() + RESPONSE_BYTES > MAX_BYTES {
        let mut shares = HashMap::<Source, usize>::new();
        for one in known.iter() {
            *shares.entry(one.source).or_default() += one.size();
        }
        let largest = shares.into_iter().max_by_key(|(_, size)| *size).map(|(source, _)| source);
        let Some(oldest) = known.iter().position(|one| Some(one.source) == largest) else { return };
        known.remove(oldest);
    }
}

/// Runs a request to its end even if the client leaves, and records or repeats the response of a submission.
pub(super) async fn deduplicate(
    State((submissions, store)): State<(Submissions, Store)>,
    mut request: Request,
    next: Next,
) -> Response {
    let claim = Arc::<Mutex<Option<Claim>>>::default();
    let cookies = request.headers().get(header::COOKIE).map_or(&[][..], HeaderValue::as_bytes);
    let cookies = Bytes::copy_from_slice(cookies);
    let slot = Slot { submissions: submissions.clone(), cookies, claim: Arc::clone(&claim) };
    request.extensions_mut().insert(slot);
    let running = async move {
        let response = next.run(request).await;
        let claim = claim.lock().take();
        match claim {
            None => response,
            Some(Claim::First(key, sender)) => submissions.record(key, sender, response).await,
            // The response may show a secret, so it is not repeated after the session has ended.
            Some(Claim::Again(_, Some(browser))) if !browser.is_open(&store).await => {
                Redirect::to("/sign-in").into_response()
            }
            Some(Claim::Again(recorded, _)) => {
                let own = response.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
                repeat(recorded, own).await
            }
        }
    };
    match tokio::spawn(running.in_current_span()).await {
        Ok(response) => response,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(), // the server ends
    }
}

/// Returns the name and value of a `Set-Cookie` header.
fn pair(set_cookie: &[u8]) -> &[u8] {
    set_cookie.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii()
}

/// Returns whether the same form may succeed in a moment.
fn is_temporary(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Returns the first response, with the cookies that this request's own session got, such as a rotated token.
async fn repeat(mut recorded: Recorded, own: Vec<HeaderValue>) -> Response {
    match recorded.wait_for(Option::is_some).await.ok().and_then(|response| response.clone()) {
        Some((mut parts, body)) => {
            for cookie in own {
                parts.headers.append(header::SET_COOKIE, cookie);
            }
            Response::from_parts(parts, Body::from(body))
        }
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONCE: &str = "0123456789abcdef";

    fn slot(submissions: &Submissions) -> Slot {
        Slot { submissions: submissions.clone(), cookies: Bytes::new(), claim: Arc::default() }
    }

    fn fields(once: &str, name: &str) -> Vec<(String, String)> {
        vec![(ONCE_FIELD.into(), once.into()), ("name".into(), name.into())]
    }

    /// Submits a form with this name from this address, and responds with a page of this size; returns whether it is the first.
    fn is_first(submissions: &Submissions, name: &str, address: [u8; 4], size: usize) -> bool {
        let slot = slot(submissions);
        let is_first = slot.claim("/actions/a", &fields(ONCE, name), None, Some(address.into()));
        if let Some(Claim::First(_, sender)) = slot.claim.lock().take() {
            sender.send_replace(Some((Response::new(()).into_parts().0, vec![0; size].into())));
        }
        is_first
    }

    #[test]
    fn case_bc34_a_click_with_the_cookies_that_the_first_response_set_is_a_repetition() {
        let submissions = Submissions::default();
        let first = slot(&submissions);
        assert!(first.claim("/actions/a", &fields(ONCE, "x"), None, None));
        let Some(Claim::First(_, sender)) = first.claim.lock().take() else { panic!("it is the first") };
        let response = Response::builder()
            .header(header::SET_COOKIE, "session=new; HttpOnly; Path=/")
            .header(header::SET_COOKIE, "choice=; Max-Age=0");
        sender.send_replace(Some((response.body(()).unwrap().into_parts().0, Bytes::new())));
        let is_first = |cookies: &'static str| {
            let slot = Slot { cookies: Bytes::from_static(cookies.as_bytes()), ..slot(&submissions) };
            slot.claim("/actions/a", &fields(ONCE, "x"), None, None)
        };
        assert!(!is_first("theme=dark; session=new"));
        for other in ["session=ne", "session=newer", "session=other", "choice=", "theme=dark"] {
            assert!(is_first(other), "{other}");
        }
    }

    #[test]
    fn case_bc34_only_the_same_form_of_the_same_page_and_address_is_a_repetition() {
        let submissions = Submissions::default();
        let claim = |path, fields: &[_], address| slot(&submissions).claim(path, fields, None, address);
        let first = slot(&submissions);
        assert!(first.claim("/actions/a", &fields(ONCE, "x"), None, None));
        assert!(!claim("/actions/a", &fields(ONCE, "x"), None));
        assert!(claim("/actions/b", &fields(ONCE, "x"), None), "another action");
        assert!(claim("/actions/a", &fields(ONCE, "y"), None), "another value");
        assert!(claim("/actions/a", &fields("fedcba9876543210", "x"), None), "another page");
        let other = Slot { cookies: Bytes::from_static(b"session=1"), ..slot(&submissions) };
        assert!(other.claim("/actions/a", &fields(ONCE, "x"), None, None), "another session");
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        assert!(claim("/actions/a", &fields(ONCE, "x"), address), "another address");
        for _ in 0..2 {
            assert!(claim("/actions/a", &fields("short", "x"), None));
            assert!(claim("/actions/a", &[], None));
        }
        // The first one was dropped without a response.
        drop(first);
        assert!(claim("/actions/a", &fields(ONCE, "x"), None));
    }

    #[tokio::test]
    async fn case_bc34_a_temporary_error_is_only_for_submissions_that_wait_already() {
        for (status, is_kept) in [
            (StatusCode::SEE_OTHER, true),
            (StatusCode::OK, true),
            (StatusCode::UNPROCESSABLE_ENTITY, true),
            (StatusCode::TOO_MANY_REQUESTS, false),
            (StatusCode::INTERNAL_SERVER_ERROR, false),
            (StatusCode::SERVICE_UNAVAILABLE, false),
        ] {
            let submissions = Submissions::default();
            let claim = || submissions.claim([7; 32], [7; 32], &[], Source::Network(None), None);
            let Claim::First(key, sender) = claim() else { panic!("{status}") };
            let Claim::Again(waiting, _) = claim() else { panic!("{status}") };
            submissions.record(key, sender, status.into_response()).await;
            assert_eq!(repeat(waiting, vec![]).await.status(), status);
            assert_eq!(matches!(claim(), Claim::Again(..)), is_kept, "{status}");
        }
    }

    #[tokio::test]
    async fn case_bc34_a_repetition_gets_the_cookies_of_both() {
        let submissions = Submissions::default();
        let claim = || submissions.claim([7; 32], [7; 32], &[], Source::Network(None), None);
        let Claim::First(key, sender) = claim() else { panic!("first") };
        let Claim::Again(waiting, _) = claim() else { panic!("again") };
        submissions.record(key, sender, ([(header::SET_COOKIE, "a=1")], "done").into_response()).await;
        let repeated = repeat(waiting, vec![HeaderValue::from_static("b=2")]).await;
        let cookies: Vec<_> = repeated.headers().get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(repeated.into_body().collect().await.unwrap().to_bytes(), "done");
    }

    #[test]
    fn many_and_large_forms_of_one_address_do_not_displace_those_of_another() {
        let (mine, other) = ([192, 0, 2, 1], [192, 0, 2, 2]);
        for (size, kept) in [(0, MAX_BYTES / RESPONSE_BYTES), (1024 * 1024, 17)] {
            let submissions = Submissions::default();
            assert!(is_first(&submissions, "mine", mine, 0));
            for number in 0..3 * kept {
                assert!(is_first(&submissions, &number.to_string(), other, size));
            }
            assert!(!is_first(&submissions, "mine", mine, 0));
            assert!(!is_first(&submissions, &(3 * kept - 1).to_string(), other, size));
            assert!(is_first(&submissions, "0", other, size), "its own oldest ones are forgotten");
            assert_eq!(submissions.0.lock().len(), kept);
        }
    }
}
