//! Paths of the API, as clients may misspell them.
use percent_encoding::percent_decode_str;

/// Returns whether a path is one of the API, or would be without encoded, repeated and dot segments and in lower case: a program
/// must not get a page for it.
pub(crate) fn folds_to_api(path: &str) -> bool {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let mut segments = vec![];
    for segment in decoded.split(['/', '\\']) {
        match segment.split(';').next().unwrap_or_default().trim() {
            "" | "." => {}
            ".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    segments.first().is_some_and(|first| first.eq_ignore_ascii_case("api"))
}
