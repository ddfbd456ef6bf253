//! Fuzz corpora and seeded mutations of them for the parsers of `server`.
#[path = "../../../fuzz/mutate.rs"]
mod mutate;
mod targets;

use mutate::corpus;

#[test]
fn a_certificate_request_is_taken_or_refused() {
    corpus("certificate_request", targets::certificate_request);
}

#[test]
fn a_certificate_is_an_identity_or_none() {
    corpus("certificate", targets::certificate);
}

/// Mutations are only useful when the original inputs are accepted.
#[test]
fn the_corpora_hold_what_is_taken() {
    assert!(mutate::files("certificate_request").iter().all(|bytes| server::pki::proven_key(bytes).is_ok()));
    assert!(mutate::files("certificate").iter().all(|bytes| server::pki::runner_identity(bytes).is_ok()));
}

#[test]
fn what_proxies_say_is_an_address_or_ends_there() {
    corpus("forwarded", targets::forwarded);
}

#[test]
fn what_a_browser_takes_is_understood_or_not() {
    corpus("accept_encoding", targets::accept_encoding);
}

#[test]
fn a_cookie_holds_what_stands_in_it() {
    corpus("cookie", targets::cookie);
}

#[test]
fn an_events_id_is_a_place_or_refused() {
    corpus("event_id", targets::event_id);
}

#[test]
fn a_path_is_ours_or_not() {
    corpus("own_path", targets::own_path);
}
