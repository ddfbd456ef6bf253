//! Comparison of two responses without their volatile parts.
use super::{fixture::Fixture, table::Row};
use crate::{client::Response, program::Program};

/// Headers that differ between any two responses.
const VOLATILE_HEADERS: [&str; 3] = ["date", "ratelimit", "x-request-id"];

impl Fixture {
    /// Requests a resource of the tenant and one that does not exist as the outsider, and compares the responses.
    pub async fn assert_indistinguishable(&self, program: &Program, row: &Row) {
        let outsider = self.caller("outsider");
        if !self
            .resources
            .keys()
            .any(|name| row.path.contains(&format!("${name}")) || row.body.contains(&format!("${name}")))
        {
            return;
        }
        for accept in ["application/json", "text/html"] {
            let mut responses = vec![];
            for exists in [true, false] {
                let nothing = |name: &str| {
                    (!exists).then(|| if name == "seq" { "99999999".into() } else { store::new_id().to_string() })
                };
                let fill = |text| self.fill(text, outsider.name, nothing);
                let (at, body) =
                    (fill(row.path), fill(row.body).replace("mia@acme", if exists { "mia@acme" } else { "mix@acme" }));
                let request = row.request(program, outsider, &at, &body, accept);
                responses.push(normalized(&row.send(program, outsider, request).await, &[&at, &body]));
            }
            let mut lines = responses[0].split_inclusive('>').zip(responses[1].split_inclusive('>'));
            let first = lines.find(|(one, two)| one != two);
            assert!(responses[0] == responses[1], "{} {} {} differs at {first:#?}", row.route, row.path, row.body);
        }
    }
}

/// Returns the response without the requested values, nonce, request id, time and new tokens.
fn normalized(response: &Response, requested: &[&str]) -> String {
    let mut text = format!("{}\n", response.status);
    for (name, value) in &response.headers {
        if !VOLATILE_HEADERS.contains(&name.as_str()) {
            text.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
        }
    }
    text.push_str(&response.body);
    if let Some(nonce) =
        response.header("content-security-policy").split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next())
    {
        text = text.replace(nonce, "NONCE");
    }
    for requested in requested {
        for value in requested
            .split(['/', '?', '&', '=', '"'])
            .filter(|value| value.len() >= 2 && value.contains(|c: char| c.is_ascii_digit()))
        {
            text = without(&text, value);
        }
    }
    // The time and the event position at which a live page was rendered.
    for property in ["now", "since"] {
        text = blanked(&text, &format!("&quot;{property}&quot;:&quot;"), "&quot;");
    }
    text = without_ages(&text);
    text = blanked(&text, "name=\"_once\" value=\"", "\"");
    text = text.replace("mia@acme", "ASKED").replace("mix@acme", "ASKED");
    text.lines().filter(|line| !line.starts_with("content-length: ")).collect::<Vec<_>>().join("\n")
}

/// Removes how long ago something was, as "6 seconds ago": it can change between two responses. The exact time beside it stays.
fn without_ages(text: &str) -> String {
    let mut pieces = text.split("<time");
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (attributes, rest) = piece.split_once('>').unwrap();
        kept += &format!("<time{attributes}>{}", &rest[rest.find('<').unwrap()..]);
    }
    kept
}

/// Removes the text between `before` and `after`.
fn blanked(text: &str, before: &str, after: &str) -> String {
    let mut pieces = text.split(before);
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        kept += before;
        kept += piece.find(after).map_or(piece, |at| &piece[at..]);
    }
    kept
}

/// Replaces `value` where it is a separate word, because short numbers also occur inside longer ones.
fn without(text: &str, value: &str) -> String {
    let apart = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
    let (mut kept, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(value) {
        let (before, after) = (&rest[..at], &rest[at + value.len()..]);
        kept.push_str(before);
        let alone = apart(kept.chars().next_back()) && apart(after.chars().next());
        kept.push_str(if alone { "ASKED" } else { value });
        rest = after;
    }
    kept + rest
}
