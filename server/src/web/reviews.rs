//! Access review export as CSV, one line per reviewed permission, streamed in batches.
use crate::{
    authentication::{self, SignedIn},
    problem::Problem,
    state::App,
};
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    response::IntoResponse,
    routing::get,
};
use bytes::Bytes;
use domain::ReviewId;
use futures::stream;
use http::header;
use store::ReviewItem;

/// Path of the export.
pub const EXPORT: &str = "/reviews/{id}/export";

const BATCH_SIZE: u32 = 500;

const HEADINGS: [&str; 13] = [
    "number",
    "right",
    "person",
    "address",
    "organization",
    "key",
    "key_begins_with",
    "held",
    "held_now",
    "expired_at",
    "verdict",
    "decided_by",
    "decided_at",
];

pub(super) fn routes(app: App) -> Router {
    Router::new().route(EXPORT, get(export)).with_state(app)
}

async fn export(
    SignedIn(browser): SignedIn,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let id: ReviewId = id.parse().map_err(|_| Problem::not_found())?;
    let review = app.store.read(&browser.actor).await?.review(id).await?;
    let pages = stream::try_unfold(Some(0), move |after| {
        let (app, browser) = (app.clone(), browser.clone());
        async move {
            let Some(after) = after else { return Ok(None) };
            if after != 0 && !authentication::still_valid(&app, &browser).await {
                return Err(store::Error::NotFound); // aborts the download: the connection closes before the last chunk
            }
            let mut read = app.store.read(&browser.actor).await?;
            let items = read.review_items(id, false, app.store.now(), after, BATCH_SIZE).await?;
            let next = items.last().map(|item| item.item_number);
            Ok::<_, store::Error>(Some((Bytes::from(text(after == 0, items)), next)))
        }
    });
    let day: String = review.started_at.to_string().chars().take(10).collect();
    let name = format!("attachment; filename=\"access-review-{day}.csv\"");
    let head = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((head, Body::from_stream(pages)))
}

/// Formats items as CSV (RFC 4180), after a header line if `first`.
fn text(first: bool, items: Vec<ReviewItem>) -> Vec<u8> {
    let mut lines = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(vec![]);
    let headings = first.then(|| HEADINGS.map(str::to_owned));
    for line in headings.into_iter().chain(items.into_iter().map(cells)) {
        // Writing to memory cannot fail.
        let _ = lines.write_record(line.map(without_formula));
    }
    lines.into_inner().unwrap_or_default()
}

fn cells(item: ReviewItem) -> [String; 13] {
    let text = Option::unwrap_or_default;
    [
        item.item_number.to_string(),
        item.kind.to_string(),
        item.person,
        text(item.email),
        text(item.organization),
        text(item.key),
        text(item.prefix),
        item.held,
        text(item.now_held),
        text(item.expired_at.map(|at| at.to_string())),
        text(item.verdict.map(|verdict| verdict.to_string())),
        text(item.decided_by),
        text(item.decided_at.map(|at| at.to_string())),
    ]
}

/// Escapes a cell so that spreadsheets do not run it as a formula, also with separators other than the comma. Names are user
/// input.
fn without_formula(cell: String) -> String {
    let mut escaped = String::with_capacity(cell.len());
    let mut at_start = true;
    for sign in cell.chars() {
        if at_start && "=+-@＝＋－＠\t\r".contains(sign) {
            escaped.push('\'');
        }
        at_start = matches!(sign, ';' | '\t' | '\r' | '\n');
        escaped.push(sign);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{PersonId, Timestamp, review::Right};

    /// N-06: an item without a decision shows the reason.
    #[test]
    fn n_06_an_expired_key_shows_its_expiry() {
        let item = |expired_at| ReviewItem {
            item_number: 1,
            kind: Right::Key,
            person_id: PersonId(uuid::Uuid::nil()),
            person: "Mia".into(),
            email: None,
            locked_at: None,
            organization: None,
            key_id: None,
            key: Some("build".into()),
            prefix: Some("mk_1".into()),
            last_used_at: None,
            held: "tasks:*".into(),
            now_held: None,
            expired_at,
            verdict: None,
            decided_by: None,
            decided_at: None,
        };
        let lines = String::from_utf8(text(true, vec![item(Some(Timestamp(0))), item(None)])).unwrap();
        let lines: Vec<_> = lines.lines().collect();
        assert!(lines[0].ends_with("held,held_now,expired_at,verdict,decided_by,decided_at"), "{lines:?}");
        assert!(lines[1].ends_with("tasks:*,,1970-01-01T00:00:00Z,,,"), "{lines:?}");
        assert!(lines[2].ends_with("tasks:*,,,,,"), "{lines:?}");
    }

    #[test]
    fn formulas_in_names_are_escaped() {
        for (cell, shown) in [
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-1", "'-1"),
            ("Ada", "Ada"),
            ("", ""),
            ("a;=1", "a;'=1"),
            ("＝1", "'＝1"),
        ] {
            assert_eq!(without_formula(cell.into()), shown);
        }
    }
}
