//! The end of a task, and the receipt that the runner signed.
use super::words;
use crate::{
    receipt_check::ReceiptCheck,
    ui::{Badge, Fact, Facts, Meaning, Moment},
};
use domain::receipt::Receipt;
use leptos::prelude::*;
use store::Task;

/// The end and the receipt; nothing while the task runs.
#[component]
pub fn Ending(
    task: Task,
) -> impl IntoView {
    let end = task.end();
    let receipt = task.read_receipt();
    let holds = use_context::<ReceiptCheck>().and_then(|ReceiptCheck(check)| check(&task));
    (end.is_some() || receipt.is_some()).then(|| {
        view! {
            <section>
                <h2>{t!("task-receipt")}</h2>
                {end.map(|end| view! { <p>{words::end(&end)}</p> })}
                {receipt.map(|receipt| view! { <Signed receipt=receipt holds=holds /> })}
            </section>
        }
    })
}

#[component]
fn Signed(receipt: Receipt, holds: Option<bool>) -> impl IntoView {
    let (meaning, word, text) = match holds {
        Some(true) => (Meaning::Good, t!("task-receipt-holds"), t!("task-receipt-holds-text")),
        Some(false) => (Meaning::Bad, t!("task-receipt-broken"), t!("task-receipt-broken-text")),
        None => (Meaning::Waiting, t!("task-receipt-unchecked"), t!("task-receipt-unchecked-text")),
    };
    view! {
        <p><Badge meaning=meaning word=word />" "{text}</p>
        <Facts>
            <Fact name=t!("task-started")><Moment at=receipt.started_at /></Fact>
            <Fact name=t!("task-ended")><Moment at=receipt.ended_at /></Fact>
            <Fact name=t!("task-attempt")>{receipt.attempt}</Fact>
            <Fact name=t!("task-output-lines")>{receipt.output_lines.to_string()}</Fact>
            <Fact name=t!("task-output-bytes")>{receipt.output_bytes.to_string()}</Fact>
            <Fact name=t!("task-request-digest")><code class="break">{receipt.request.to_string()}</code></Fact>
            <Fact name=t!("task-output-digest")><code class="break">{receipt.output.to_string()}</code></Fact>
        </Facts>
    }
}
