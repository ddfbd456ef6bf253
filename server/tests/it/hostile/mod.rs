//! Fuzz corpora and seeded mutations of them for the parsers of `server`.
#[path = "../../../../fuzz/mutate.rs"]
mod mutate;
mod targets;

use mutate::corpus;

#[test]
fn certificate_requests_are_parsed_without_panics() {
    corpus("certificate_request", targets::certificate_request);
}

#[test]
fn certificates_are_parsed_without_panics() {
    corpus("certificate", targets::certificate);
}

/// Mutations are only useful when the original inputs are accepted.
#[test]
fn the_corpora_contain_valid_inputs() {
    assert!(mutate::files("certificate_request").iter().all(|bytes| server::pki::proven_key(bytes).is_ok()));
    assert!(mutate::files("certificate").iter().all(|bytes| server::pki::runner_identity(bytes).is_ok()));
}

#[test]
fn forwarded_addresses_are_parsed_without_panics() {
    corpus("forwarded", targets::forwarded);
}

#[test]
fn accept_encoding_is_parsed_without_panics() {
    corpus("accept_encoding", targets::accept_encoding);
}

#[test]
fn cookie_values_occur_in_the_header() {
    corpus("cookie", targets::cookie);
}

#[test]
fn event_ids_round_trip() {
    corpus("event_id", targets::event_id);
}

#[test]
fn redirect_paths_stay_on_this_host() {
    corpus("own_path", targets::own_path);
}
