//! Metadata cache: discovery documents by issuer, so that starting many sign-ins causes one request a minute. A callback always
//! fetches again, because keys change.
use super::oidc::Metadata;
use domain::Timestamp;
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

const LIFETIME: Duration = Duration::from_mins(1);

/// The cached documents; one for each provider at most.
#[derive(Clone, Debug, Default)]
pub(super) struct MetadataCache(Arc<Mutex<BTreeMap<String, (Timestamp, Metadata)>>>);

impl MetadataCache {
    pub fn get(&self, issuer: &str, now: Timestamp) -> Option<Metadata> {
        let known = self.0.lock();
        known
            .get(issuer)
            .filter(|(at, _)| *at <= now && now.since(*at) < LIFETIME)
            .map(|(_, metadata)| metadata.clone())
    }

    pub fn insert(&self, issuer: &str, now: Timestamp, metadata: &Metadata) {
        let mut known = self.0.lock();
        known.insert(issuer.to_owned(), (now, metadata.clone()));
    }
}
