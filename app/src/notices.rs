//! What must not be overlooked about this deployment: said above every page.
use domain::{Actor, Timestamp};
use leptos::prelude::*;
use std::sync::Arc;

/// Finds out what there is to say, for one page.
#[derive(Clone)]
pub struct Notices(pub Arc<dyn Fn() -> Vec<Notice> + Send + Sync>);

impl std::fmt::Debug for Notices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notices")
    }
}

/// Something about this deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The certificate is one of our own.
    SelfSigned,
    /// The certificate's files hold one that cannot be used; the old one is in force.
    BrokenCertificate(String),
    /// The certificate ends in so many days.
    CertificateEnds(i64),
    /// There is no room where the data is.
    DiskFull,
    /// The database took no change, the last time at this moment.
    NothingSaved(Timestamp),
}

impl Notice {
    /// Whether it is for everybody, as it stands in the way of their work; else for admins.
    fn is_for_all(&self) -> bool {
        matches!(self, Self::DiskFull | Self::NothingSaved(_))
    }
}

/// What there is to say to this actor.
pub(crate) fn banner(actor: &Actor) -> impl IntoView + use<> {
    let mut texts = vec![];
    if actor.admin_blocked {
        texts.push(t!("notice-held-off"));
    }
    let found = use_context::<Notices>().map(|notices| (notices.0)()).unwrap_or_default();
    let told = found.into_iter().filter(|notice| actor.is_admin() || notice.is_for_all());
    texts.extend(told.map(|notice| match notice {
        Notice::SelfSigned => t!("notice-self-signed"),
        Notice::BrokenCertificate(why) => t!("notice-broken-certificate", why = why),
        Notice::CertificateEnds(days) => t!("notice-certificate-ends", days = days),
        Notice::DiskFull => t!("notice-disk-full"),
        Notice::NothingSaved(at) => t!("notice-nothing-saved", at = at.exact()),
    }));
    texts.into_iter().map(|text| view! { <p class="banner" role="status">{text}</p> }).collect_view()
}
