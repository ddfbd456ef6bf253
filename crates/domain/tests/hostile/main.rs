//! Hostile input to what `domain` reads: the corpus of each fuzz target, and thousands of changes of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../../../../fuzz/mutate.rs"]
mod mutate;
mod targets;

use domain::{checkpoint::Checkpoint, grant::Grant, receipt::Receipt, request::Request};
use mutate::{corpus, files};

#[test]
fn a_request_is_read_or_refused() {
    corpus("request", targets::request);
}

#[test]
fn a_submission_is_checked_or_refused() {
    corpus("submission", targets::submission);
}

#[test]
fn a_cursor_is_a_place_in_a_list_or_refused() {
    corpus("cursor", targets::cursor);
}

#[test]
fn terminal_output_becomes_text_and_fixed_classes() {
    corpus("ansi", targets::ansi);
}

#[test]
fn hidden_characters_are_shown_and_nothing_is_lost() {
    corpus("reveal", targets::reveal);
}

#[test]
fn a_receipt_is_read_or_refused() {
    corpus("receipt", targets::receipt);
}

#[test]
fn a_grant_is_read_or_refused() {
    corpus("grant", targets::grant);
}

#[test]
fn a_checkpoint_is_read_or_refused() {
    corpus("checkpoint", targets::checkpoint);
}

#[test]
fn words_of_forms_are_read_or_refused() {
    corpus("words", targets::words);
}

/// What is changed must be good to begin with: of bytes that are refused at once, changes find nothing.
#[test]
fn the_corpora_hold_what_is_taken() {
    assert!(files("request").iter().all(|bytes| Request::read(bytes).is_ok()));
    assert!(files("receipt").iter().all(|bytes| Receipt::read(bytes).is_ok()));
    assert!(files("grant").iter().all(|bytes| Grant::read(bytes).is_ok()));
    let note = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
    assert!(files("checkpoint").iter().all(|bytes| Checkpoint::read(&note(bytes), &[1; 32]).is_ok()));
}
