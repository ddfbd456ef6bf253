//! Request and response bodies: a request body is limited in size and time; a response body keeps its connection active.

use super::{
    Limits, MinRate,
    activity::{ActiveRequest, Activity, ReceivingBody},
};
use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::SeqCst},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep};

/// Error that ends a request body early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("the request body is too large")]
    TooLarge,
    /// The idle or the total timeout expired, or the rate was too low.
    #[error("the request body was not received in time")]
    Stalled,
}

/// Outcome of reading a request body, shared with the code that writes the response.
#[derive(Debug, Clone, Default)]
pub struct BodyOutcome(Arc<AtomicU8>);

impl BodyOutcome {
    /// Returns the error that ended the body, if any.
    pub fn error(&self) -> Option<BodyError> {
        match self.0.load(SeqCst) {
            1 => Some(BodyError::TooLarge),
            2 => Some(BodyError::Stalled),
            _ => None,
        }
    }

    fn record(&self, error: BodyError) -> BodyError {
        self.0.store(if error == BodyError::TooLarge { 1 } else { 2 }, SeqCst);
        error
    }
}

/// Request body with a size limit and timeouts.
pub(super) struct RequestBody {
    inner: Incoming,
    outcome: BodyOutcome,
    left: u64,
    idle: Option<Duration>,
    rate: Option<MinRate>,
    total: Option<Duration>,
    began: Option<Instant>,
    /// Time that the received bytes add to the grace period of the minimum rate.
    earned: Duration,
    receiving: Option<ReceivingBody>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl RequestBody {
    pub(super) fn new(inner: Incoming, limits: &Limits, activity: &Arc<Activity>) -> (Self, BodyOutcome) {
        let outcome = BodyOutcome::default();
        // The streams of runners have no rate: they are silent for hours.
        let receiving = (!inner.is_end_stream() && limits.body_rate.is_some()).then(|| activity.receive());
        let body = Self {
            inner,
            outcome: outcome.clone(),
            left: limits.body_bytes.unwrap_or(u64::MAX),
            idle: limits.body_idle,
            rate: limits.body_rate,
            total: limits.body_total,
            began: None,
            earned: Duration::ZERO,
            receiving,
            timer: None,
        };
        (body, outcome)
    }

    /// Ready when a timeout has expired.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.timer.is_none() {
            let now = Instant::now();
            let began = *self.began.get_or_insert(now);
            let idle = self.idle.map(|idle| now + idle);
            let slow = self.rate.map(|rate| began + rate.grace + self.earned);
            let end = self.total.map(|total| began + total);
            let Some(due) = [idle, slow, end].into_iter().flatten().min() else {
                return Poll::Pending;
            };
            self.timer = Some(Box::pin(tokio::time::sleep_until(due)));
        }
        match &mut self.timer {
            Some(timer) => timer.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
            ready!(self.poll_stalled(context));
            return Poll::Ready(Some(Err(self.outcome.record(BodyError::Stalled).into())));
        };
        self.timer = None;
        let length = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            _ => 0,
        };
        if !matches!(&frame, Some(Ok(_))) {
            self.receiving = None;
        }
        if let Some(rate) = self.rate {
            self.earned += rate.per_byte.saturating_mul(u32::try_from(length).unwrap_or(u32::MAX));
        }
        match self.left.checked_sub(u64::try_from(length).unwrap_or(u64::MAX)) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Some(Err(self.outcome.record(BodyError::TooLarge).into()))),
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Response body that keeps its connection active until it ends.
pub(super) struct ResponseBody {
    pub(super) inner: Body,
    pub(super) _active: ActiveRequest,
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
