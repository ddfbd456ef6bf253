//! Operational notices about the deployment, shown as banners on every page.
use domain::{Actor, Timestamp};
use leptos::prelude::*;
use std::sync::Arc;

/// A function that collects the notices for one page.
#[derive(Clone)]
pub struct Notices(pub Arc<dyn Fn() -> Vec<Notice> + Send + Sync>);

impl std::fmt::Debug for Notices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notices")
    }
}

/// A condition that an operator must know about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    SelfSigned,
    /// The certificate files are invalid; the previous certificate is still in use.
    BrokenCertificate(String),
    /// Days until the certificate expires.
    CertificateEnds(i64),
    /// The last scheduled backup failed.
    BackupFailed,
    DiskFull,
    /// Writes to the database fail; the time of the last failure.
    NothingSaved(Timestamp),
}

impl Notice {
    /// Returns whether everyone sees the notice because it affects their work; otherwise only admins do.
    fn is_for_all(&self) -> bool {
        matches!(self, Self::DiskFull | Self::NothingSaved(_))
    }
}

/// Renders the notices for an actor.
pub(crate) fn banners(actor: &Actor) -> impl IntoView + use<> {
    let mut texts = vec![];
    if actor.admin_blocked {
        texts.push(t!("notice-admin-blocked"));
    }
    let found = use_context::<Notices>().map(|notices| (notices.0)()).unwrap_or_default();
    let visible = found.into_iter().filter(|notice| actor.is_admin() || notice.is_for_all());
    texts.extend(visible.map(|notice| match notice {
        Notice::SelfSigned => t!("notice-self-signed"),
        Notice::BrokenCertificate(why) => t!("notice-broken-certificate", why = why),
        Notice::CertificateEnds(days) => t!("notice-certificate-ends", days = days),
        Notice::BackupFailed => t!("notice-backup-failed"),
        Notice::DiskFull => t!("notice-disk-full"),
        Notice::NothingSaved(at) => t!("notice-database-locked", at = at.exact()),
    }));
    texts.into_iter().map(|text| view! { <p class="banner" role="status">{text}</p> }).collect_view()
}
