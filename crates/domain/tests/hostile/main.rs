//! Fuzz tests of the parsers in `domain`: the corpus of each fuzz target and thousands of mutations.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../../../../fuzz/mutate.rs"]
mod mutate;
mod targets;

use domain::{checkpoint::Checkpoint, grant::Grant, passkey::Assertion, receipt::Receipt, request::Request};
use mutate::{corpus, files};

#[test]
fn a_request_is_parsed_or_refused() {
    corpus("request", targets::request);
}

#[test]
fn a_submission_is_checked_or_refused() {
    corpus("submission", targets::submission);
}

#[test]
fn a_cursor_is_parsed_or_refused() {
    corpus("cursor", targets::cursor);
}

#[test]
fn terminal_output_becomes_text_and_fixed_classes() {
    corpus("ansi", targets::ansi);
}

#[test]
fn hidden_characters_are_shown_by_name() {
    corpus("reveal", targets::reveal);
}

#[test]
fn a_receipt_is_parsed_or_refused() {
    corpus("receipt", targets::receipt);
}

#[test]
fn a_grant_is_parsed_or_refused() {
    corpus("grant", targets::grant);
}

#[test]
fn an_assertion_is_parsed_or_refused() {
    corpus("assertion", targets::assertion);
}

#[test]
fn a_checkpoint_is_parsed_or_refused() {
    corpus("checkpoint", targets::checkpoint);
}

#[test]
fn short_text_is_parsed_or_refused() {
    corpus("text", targets::text);
}

/// Mutations of input that is rejected at once would find nothing.
#[test]
fn the_corpora_hold_valid_input() {
    assert!(files("request").iter().all(|bytes| Request::read(bytes).is_ok()));
    assert!(files("receipt").iter().all(|bytes| Receipt::read(bytes).is_ok()));
    assert!(files("grant").iter().all(|bytes| Grant::read(bytes).is_ok()));
    let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
    assert!(files("assertion").iter().all(|bytes| Assertion::from_browser(&text(bytes)).is_ok()));
    assert!(files("checkpoint").iter().all(|bytes| Checkpoint::read(&text(bytes), &[1; 32]).is_ok()));
}
