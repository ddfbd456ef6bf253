//! Claims of a provider about a person. Only those that are used are read, so that odd types in others do no harm, and a wrong type
//! in a used one is named.
use domain::Timestamp;
use serde_json::{Map, Value};
use std::fmt;

/// The claims of an ID token or of a userinfo response.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims(Map<String, Value>);

/// A claim that is missing or of the wrong type. The message quotes no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the claim {name} is {found}, and must be {expected}")]
pub(super) struct WrongClaim {
    name: &'static str,
    found: &'static str,
    expected: &'static str,
}

impl Claims {
    /// Parses a JSON object.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }

    /// Returns a claim that is present, whatever its type. `null` counts as absent.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Returns a claim if it is a text that is not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Returns whether a claim is true; some providers send booleans as text.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| *value == Value::Bool(true) || value.as_str() == Some("true"))
    }

    /// Returns a list of texts, or one text as a list of one; `None` if the claim is absent or anything else.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        match self.get(name)? {
            Value::String(text) => Some(vec![text.clone()]),
            Value::Array(list) => list.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => None,
        }
    }

    /// Returns a time in seconds since 1970, also with a fraction (RFC 7519, section 2: NumericDate).
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        let seconds = self.get(name)?;
        let whole = seconds.as_i64().or_else(|| format!("{:.0}", seconds.as_f64()?.floor()).parse().ok())?;
        whole.checked_mul(1_000_000).map(Timestamp)
    }

    pub fn required_text(&self, name: &'static str) -> Result<&str, WrongClaim> {
        self.text(name).ok_or_else(|| self.wrong(name, "a string"))
    }

    pub fn required_texts(&self, name: &'static str) -> Result<Vec<String>, WrongClaim> {
        self.texts(name).ok_or_else(|| self.wrong(name, "a string or an array of strings"))
    }

    pub fn required_time(&self, name: &'static str) -> Result<Timestamp, WrongClaim> {
        self.time(name).ok_or_else(|| self.wrong(name, "a number of seconds"))
    }

    fn wrong(&self, name: &'static str, expected: &'static str) -> WrongClaim {
        let found = match self.get(name) {
            None => "missing",
            Some(Value::String(_)) => "a string",
            Some(Value::Number(_)) => "a number",
            Some(Value::Bool(_)) => "a boolean",
            Some(Value::Array(_)) => "an array",
            Some(_) => "an object",
        };
        WrongClaim { name, found, expected }
    }
}

impl fmt::Display for Claims {
    /// Writes the names of the claims, which the log may have.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.keys().map(String::as_str).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: &Value) -> Claims {
        Claims::read(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn case_bc30_used_claims_are_read_leniently() {
        let claims = claims(&json!({
            "email": "a@b.example", "empty": "", "null": null, "yes": true, "text": "true", "one": 1, "amr": "pwd",
            "list": ["a", "b"], "odd": ["a", 1], "at": 1_700_000_000, "half": 1_700_000_000.75, "huge": 1e300, "below": -0.5,
        }));
        assert_eq!(claims.text("email"), Some("a@b.example"));
        assert_eq!([claims.text("empty"), claims.text("null"), claims.text("one")], [None; 3]);
        assert!(claims.is_true("yes") && claims.is_true("text") && !claims.is_true("one") && !claims.is_true("list"));
        assert_eq!(claims.texts("amr"), Some(vec!["pwd".to_owned()]));
        assert_eq!(claims.texts("list").map(|list| list.len()), Some(2));
        assert_eq!([claims.texts("odd"), claims.texts("null"), claims.texts("one")], [const { None }; 3]);
        let at = Some(Timestamp(1_700_000_000_000_000));
        assert_eq!([claims.time("at"), claims.time("half")], [at; 2]);
        assert_eq!([claims.time("huge"), claims.time("text"), claims.time("none")], [None; 3]);
        assert_eq!(claims.time("below"), Some(Timestamp(-1_000_000)));
    }

    #[test]
    fn case_bc30_a_wrong_claim_is_named_without_its_value() {
        let claims = claims(&json!({ "sub": 330_000, "aud": { "a": 1 }, "exp": "soon" }));
        let text = |error: WrongClaim| error.to_string();
        assert_eq!(text(claims.required_text("sub").unwrap_err()), "the claim sub is a number, and must be a string");
        assert_eq!(text(claims.required_text("iss").unwrap_err()), "the claim iss is missing, and must be a string");
        assert!(text(claims.required_texts("aud").unwrap_err()).contains("aud is an object"));
        assert!(text(claims.required_time("exp").unwrap_err()).contains("exp is a string"));
        assert!(Claims::read(b"[]").is_none() && Claims::read(b"{").is_none());
    }
}
