//! Deduplication of form submissions: after a double click or going back, the second submission gets the response of the first, also
//! while that is still running. A form carries a random value of its page, and the same value with the same fields is the same
//! submission.
use app::ui::ONCE_FIELD;
use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header, response::Parts};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::{
    collections::VecDeque,
    net::IpAddr,
    panic::resume_unwind,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::watch, time::sleep};
use tracing::Instrument;

/// How long a response is kept.
const LIFETIME: Duration = Duration::from_mins(1);

/// The maximum number of responses that are kept, and of bytes in them.
const MAX_RESPONSES: usize = 1_000;
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The minimum length of a page's value.
const MIN_LENGTH: usize = 16;

type Recorded = watch::Receiver<Option<(Parts, Bytes)>>;

/// The submissions of the last minute.
#[derive(Clone, Debug, Default)]
pub(super) struct Submissions(Arc<Mutex<VecDeque<Submission>>>);

#[derive(Debug)]
struct Submission {
    key: [u8; 32],
    at: Instant,
    response: Recorded,
}

impl Submission {
    fn is_over(&self) -> bool {
        self.at.elapsed() >= LIFETIME
    }

    fn size(&self) -> usize {
        self.response.borrow().as_ref().map_or(0, |(_, body)| body.len())
    }
}

/// What a submission turned out to be, once its form was read.
#[derive(Debug)]
enum Claim {
    First([u8; 32], watch::Sender<Option<(Parts, Bytes)>>),
    Again(Recorded),
}

/// The submission of one request.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    submissions: Submissions,
    /// Digest of the cookies: a response belongs to one session.
    cookies: [u8; 32],
    claim: Arc<Mutex<Option<Claim>>>,
}

impl Slot {
    /// Returns whether the form is to be processed: false if it was submitted before.
    pub fn claim(&self, path: &str, fields: &[(String, String)], address: Option<IpAddr>) -> bool {
        let Some((_, once)) = fields.iter().find(|(name, _)| name == ONCE_FIELD) else { return true };
        if once.len() < MIN_LENGTH {
            return true;
        }
        let key = Sha256::digest(format!("{path:?} {address:?} {:?} {fields:?}", self.cookies)).into();
        let claim = self.submissions.claim(key);
        let is_first = matches!(claim, Claim::First(..));
        self.claim.lock().replace(claim);
        is_first
    }
}

impl Submissions {
    fn claim(&self, key: [u8; 32]) -> Claim {
        let mut known = self.0.lock();
        while known.front().is_some_and(Submission::is_over)
            || known.len() >= MAX_RESPONSES
            || known.iter().map(Submission::size).sum::<usize>() > MAX_BYTES
        {
            known.pop_front();
        }
        // A submission that ended without a response can be made again.
        let ended = |one: &Submission| one.response.has_changed().is_err() && one.response.borrow().is_none();
        known.retain(|one| one.key != key || !ended(one));
        if let Some(submission) = known.iter().find(|one| one.key == key) {
            return Claim::Again(submission.response.clone());
        }
        let (sender, response) = watch::channel(None);
        known.push_back(Submission { key, at: Instant::now(), response });
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

/// Runs a request to its end even if the client leaves, and records or repeats the response of a submission.
pub(super) async fn once(State(submissions): State<Submissions>, mut request: Request, next: Next) -> Response {
    let claim = Arc::<Mutex<Option<Claim>>>::default();
    let cookies = Sha256::digest(request.headers().get(header::COOKIE).map_or(&[][..], HeaderValue::as_bytes)).into();
    let slot = Slot { submissions: submissions.clone(), cookies, claim: Arc::clone(&claim) };
    request.extensions_mut().insert(slot);
    let running = async move {
        let response = next.run(request).await;
        let claim = claim.lock().take();
        match claim {
            None => response,
            Some(Claim::First(key, sender)) => submissions.record(key, sender, response).await,
            Some(Claim::Again(recorded)) => {
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

    fn slot(submissions: &Submissions) -> Slot {
        Slot { submissions: submissions.clone(), cookies: [0; 32], claim: Arc::default() }
    }

    fn fields(once: &str, name: &str) -> Vec<(String, String)> {
        vec![(ONCE_FIELD.into(), once.into()), ("name".into(), name.into())]
    }

    #[test]
    fn case_bc34_only_the_same_form_of_the_same_page_and_address_is_a_repetition() {
        let (submissions, once) = (Submissions::default(), "0123456789abcdef");
        let first = slot(&submissions);
        assert!(first.claim("/actions/a", &fields(once, "x"), None));
        assert!(!slot(&submissions).claim("/actions/a", &fields(once, "x"), None));
        assert!(slot(&submissions).claim("/actions/b", &fields(once, "x"), None), "another action");
        assert!(slot(&submissions).claim("/actions/a", &fields(once, "y"), None), "another value");
        assert!(slot(&submissions).claim("/actions/a", &fields("fedcba9876543210", "x"), None), "another page");
        let other = Slot { cookies: [1; 32], ..slot(&submissions) };
        assert!(other.claim("/actions/a", &fields(once, "x"), None), "another session");
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        assert!(slot(&submissions).claim("/actions/a", &fields(once, "x"), address), "another address");
        for _ in 0..2 {
            assert!(slot(&submissions).claim("/actions/a", &fields("short", "x"), None));
            assert!(slot(&submissions).claim("/actions/a", &[], None));
        }
        // The first one was dropped without a response.
        drop(first);
        assert!(slot(&submissions).claim("/actions/a", &fields(once, "x"), None));
    }

    #[test]
    fn the_number_and_size_of_kept_responses_are_bounded() {
        let submissions = Submissions::default();
        for number in 0..3 * MAX_RESPONSES {
            assert!(slot(&submissions).claim("/actions/a", &fields("0123456789abcdef", &number.to_string()), None));
        }
        assert_eq!(submissions.0.lock().len(), MAX_RESPONSES);
        let submissions = Submissions::default();
        for number in 0..100 {
            let slot = slot(&submissions);
            slot.claim("/actions/a", &fields("0123456789abcdef", &number.to_string()), None);
            let Some(Claim::First(_, sender)) = slot.claim.lock().take() else { panic!("{number}") };
            sender.send_replace(Some((Response::new(()).into_parts().0, vec![0; 1024 * 1024].into())));
        }
        assert!(submissions.0.lock().len() <= 18);
    }
}
