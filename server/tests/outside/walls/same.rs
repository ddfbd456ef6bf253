//! Whether two answers are the same but for what differs between any two answers.
use uuid::Uuid;

use super::{house::House, table::Row};
use crate::{ask::Answer, program::Program};

/// Headers that say when, or which of all answers it is.
const OWN: [&str; 3] = ["date", "ratelimit", "x-request-id"];

impl House {
    /// The other tenant's admin asks for a thing of this house, and for one that does not exist.
    pub async fn compare(&self, program: &Program, row: &Row) {
        let another = self.guest("another");
        if !self
            .things
            .keys()
            .any(|name| row.at.contains(&format!("${name}")) || row.body.contains(&format!("${name}")))
        {
            return;
        }
        for accept in ["application/json", "text/html"] {
            let mut answers = vec![];
            for exists in [true, false] {
                let nothing = |name: &str| {
                    (!exists).then(|| if name == "seq" { "99999999".into() } else { Uuid::now_v7().to_string() })
                };
                let fill = |text| self.fill(text, another.name, nothing);
                let (at, body) =
                    (fill(row.at), fill(row.body).replace("mia@acme", if exists { "mia@acme" } else { "mix@acme" }));
                let request = row.request(program, another, &at, &body, accept);
                answers.push(plain(&row.send(program, another, request).await, &[&at, &body]));
            }
            let mut lines = answers[0].split_inclusive('>').zip(answers[1].split_inclusive('>'));
            let first = lines.find(|(one, two)| one != two);
            assert!(answers[0] == answers[1], "{} {} {} differs at {first:#?}", row.route, row.at, row.body);
        }
    }
}

/// The answer without what was asked for, and without its own nonce, number, time and fresh tokens.
fn plain(answer: &Answer, asked: &[&str]) -> String {
    let mut text = format!("{}\n", answer.status);
    for (name, value) in &answer.headers {
        if !OWN.contains(&name.as_str()) {
            text.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
        }
    }
    text.push_str(&answer.body);
    if let Some(nonce) =
        answer.header("content-security-policy").split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next())
    {
        text = text.replace(nonce, "NONCE");
    }
    for asked in asked {
        for said in asked
            .split(['/', '?', '&', '=', '"'])
            .filter(|said| said.len() >= 2 && said.contains(|c: char| c.is_ascii_digit()))
        {
            text = without(&text, said);
        }
    }
    // When a live page was read, by the server's clock and among its announcements.
    for property in ["now", "since"] {
        text = blanked(&text, &format!("&quot;{property}&quot;:&quot;"), "&quot;");
    }
    text = text.replace("mia@acme", "ASKED").replace("mix@acme", "ASKED");
    text.lines().filter(|line| !line.starts_with("content-length: ")).collect::<Vec<_>>().join("\n")
}

/// Without what stands between `before` and `after`.
fn blanked(text: &str, before: &str, after: &str) -> String {
    let mut pieces = text.split(before);
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        kept += before;
        kept += piece.find(after).map_or(piece, |at| &piece[at..]);
    }
    kept
}

/// With `said` taken out wherever it stands by itself: a short number is also a part of longer ones.
fn without(text: &str, said: &str) -> String {
    let apart = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
    let (mut kept, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(said) {
        let (before, after) = (&rest[..at], &rest[at + said.len()..]);
        kept.push_str(before);
        let alone = apart(kept.chars().next_back()) && apart(after.chars().next());
        kept.push_str(if alone { "ASKED" } else { said });
        rest = after;
    }
    kept + rest
}
