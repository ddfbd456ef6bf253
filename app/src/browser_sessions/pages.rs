//! The page that lists one's browser sessions and ends them.
use super::actions::{EndBrowserSession, EndOtherBrowserSessions};
use crate::{
    outcome::Refusal,
    ui::{Badge, BadgeTone, Confirm, Live, Page, PageFuture, Section, Table, TimeAgo, UntrustedText, ctx, page},
};
use domain::{Actor, BrowserSessionId};
use leptos::{prelude::*, server_fn::ServerFn};
use store::BrowserSessionRow;

/// `/browser-sessions`.
pub fn list() -> PageFuture {
    page(sessions_page)
}

async fn sessions_page(actor: Actor) -> Result<Page, Refusal> {
    let rows = ctx::store()?.read(&actor).await?.sessions().await?;
    let current_id = ctx::sign_in()?.session();
    let others = rows.iter().any(|row| Some(row.id) != current_id);
    let headings =
        vec![t!("session-device"), t!("session-address"), t!("session-last-used"), t!("session-since"), String::new()];
    let rows = rows.into_iter().map(|row| view! { <Row row=row current_id=current_id /> }).collect_view();
    let page = Page::new(Section::BrowserSessions, t!("nav-browser-sessions")).lead(t!("sessions-lead")).body(view! {
        <Live topics="people" region="sessions">
            <Table caption=t!("nav-browser-sessions") headings=headings>
                {rows}
            </Table>
        </Live>
    });
    let end_others = others.then(|| {
        view! {
            <Confirm
                label=t!("sessions-end-others-open")
                consequence=t!("sessions-end-others-consequence")
                act=t!("sessions-end-others")
                action=EndOtherBrowserSessions::PATH
                hidden=vec![]
            />
        }
    });
    Ok(page.action(end_others))
}

#[component]
fn Row(row: BrowserSessionRow, current_id: Option<BrowserSessionId>) -> impl IntoView {
    let (current, device) = (current_id == Some(row.id), row.device.clone());
    view! {
        <tr>
            <th scope="row">
                <UntrustedText text=row.device />
                {current.then(|| view! { " " <Badge tone=BadgeTone::Good label=t!("session-this") /> })}
            </th>
            <td class="mono"><UntrustedText text=row.address /></td>
            <td><TimeAgo at=row.last_used_at /></td>
            <td><TimeAgo at=row.created_at /></td>
            <td class="cell-action">
                <Confirm
                    label=t!("session-end-open") about=device
                    consequence=if current { t!("session-end-this-consequence") } else { t!("session-end-consequence") }
                    act=t!("session-end")
                    action=EndBrowserSession::PATH
                    hidden=vec![("id", row.id.to_string())]
                />
            </td>
        </tr>
    }
}
