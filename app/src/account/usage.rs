//! Quota usage of today: the person's and, for admins and auditors, the tenant's.
use crate::ui::{DescriptionItem, DescriptionList};
use leptos::prelude::*;
use store::{Quota, Quotas, Usage as Used};

#[component]
pub fn Usage(
    own: Used,
    /// `None` for those who cannot see it.
    tenant: Option<Used>,
    quotas: Quotas,
) -> impl IntoView {
    let rows = [
        Some((t!("usage-tasks"), tasks(&own, quotas.person))),
        Some((t!("usage-bytes"), bytes(&own, quotas.person))),
        tenant.as_ref().map(|tenant| (t!("usage-tenant-tasks"), tasks(tenant, quotas.tenant))),
        tenant.as_ref().map(|tenant| (t!("usage-tenant-bytes"), bytes(tenant, quotas.tenant))),
    ];
    let row = |(name, usage): (String, String)| view! { <DescriptionItem name=name>{usage}</DescriptionItem> };
    view! {
        <section class="stack">
            <h2>{t!("usage-title")}</h2>
            <p>{t!("usage-lead")}</p>
            <DescriptionList>{rows.into_iter().flatten().map(row).collect_view()}</DescriptionList>
        </section>
    }
}

fn tasks(used: &Used, quota: Quota) -> String {
    match quota.tasks {
        Some(limit) => t!("usage-of", used = used.tasks, limit = limit),
        None => t!("usage-unlimited", used = used.tasks),
    }
}

fn bytes(used: &Used, quota: Quota) -> String {
    // A partial MiB counts: less than one is not nothing.
    let used = (used.bytes + (1 << 20) - 1) >> 20;
    match quota.bytes {
        Some(limit) => t!("usage-mib-of", used = used, limit = limit >> 20),
        None => t!("usage-mib-unlimited", used = used),
    }
}
