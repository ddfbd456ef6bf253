//! The end of a task, and the receipt that the runner signed.
use super::labels;
use crate::{
    receipt_check::ReceiptCheck,
    ui::{Badge, BadgeTone, DescriptionItem, DescriptionList, TimeAgo},
};
use domain::receipt::{End, Receipt};
use leptos::prelude::*;
use store::Task;

/// The end and the receipt; nothing while the task runs.
#[component]
pub fn TaskEnd(task: Task) -> impl IntoView {
    let end = task.end();
    let receipt = task.read_receipt();
    let out_of_memory =
        receipt.as_ref().is_some_and(|receipt| receipt.out_of_memory && receipt.end != End::OutOfMemory);
    let valid = use_context::<ReceiptCheck>().and_then(|ReceiptCheck(check)| check(&task));
    let deleted_at = task.result_deleted_at;
    (end.is_some() || receipt.is_some() || deleted_at.is_some()).then(|| {
        view! {
            <section>
                <h2>{t!("task-receipt")}</h2>
                {deleted_at.map(|at| view! { <p>{t!("task-result-deleted", at = at.exact())}</p> })}
                {end.map(|end| view! { <p>{labels::end(&end)}</p> })}
                {out_of_memory.then(|| view! { <p>{t!("task-out-of-memory")}</p> })}
                {receipt.map(|receipt| view! { <SignedReceipt receipt=receipt valid=valid /> })}
            </section>
        }
    })
}

#[component]
fn SignedReceipt(receipt: Receipt, valid: Option<bool>) -> impl IntoView {
    let (tone, label, text) = match valid {
        Some(true) => (BadgeTone::Good, t!("task-receipt-verified"), t!("task-receipt-verified-text")),
        Some(false) => (BadgeTone::Bad, t!("task-receipt-broken"), t!("task-receipt-broken-text")),
        None => (BadgeTone::Waiting, t!("task-receipt-unchecked"), t!("task-receipt-unchecked-text")),
    };
    view! {
        <p><Badge tone=tone label=label />" "{text}</p>
        <DescriptionList>
            <DescriptionItem name=t!("task-started")><TimeAgo at=receipt.started_at /></DescriptionItem>
            <DescriptionItem name=t!("task-ended")><TimeAgo at=receipt.ended_at /></DescriptionItem>
            <DescriptionItem name=t!("task-attempt")>{receipt.attempt}</DescriptionItem>
            <DescriptionItem name=t!("task-output-lines")>{receipt.output_lines.to_string()}</DescriptionItem>
            <DescriptionItem name=t!("task-output-bytes")>{receipt.output_bytes.to_string()}</DescriptionItem>
            {(receipt.replaced_bytes > 0).then(|| view! {
                <DescriptionItem name=t!("task-replaced-bytes")>{t!("task-replaced-bytes-of", n = receipt.replaced_bytes)}</DescriptionItem>
            })}
            <DescriptionItem name=t!("task-request-digest")><code class="break">{receipt.request.to_string()}</code></DescriptionItem>
            <DescriptionItem name=t!("task-output-digest")><code class="break">{receipt.output.to_string()}</code></DescriptionItem>
        </DescriptionList>
    }
}
