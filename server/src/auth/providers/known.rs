//! What issuers said of themselves a moment ago: whoever follows links makes us ask each of them once a minute, no more.
//! Coming back asks anew: keys change.
use super::oidc::Metadata;
use domain::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long it is remembered.
const MEMORY: Duration = Duration::from_mins(1);

/// The memory, by issuer. There are no more of them than providers were set up.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(Arc<Mutex<BTreeMap<String, (Timestamp, Metadata)>>>);

impl Known {
    pub fn recall(&self, issuer: &str, now: Timestamp) -> Option<Metadata> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(issuer).filter(|(at, _)| *at <= now && now.since(*at) < MEMORY).map(|(_, metadata)| metadata.clone())
    }

    pub fn keep(&self, issuer: &str, now: Timestamp, metadata: &Metadata) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(issuer.to_owned(), (now, metadata.clone()));
    }
}
