//! Fields of JSON bodies and query strings, each read by itself, so that one invalid field does not hide another.
use crate::problem::{FieldError, MAX_ERRORS, Problem};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapDeserializer},
};
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};
use std::{collections::BTreeSet, fmt, iter::once};
use url::form_urlencoded;

/// Maximum number of characters of a name or value that an error repeats.
const MAX_REPEATED: usize = 60;

/// Members of a JSON object in their order, duplicates included.
#[derive(Debug)]
pub(super) struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = vec![];
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        from.deserialize_map(MembersVisitor)
    }
}

/// Reads a JSON object. `null` is the same as an absent field. Fields that are invalid are missing from the result and in the errors.
///
/// # Errors
/// Fails if a required field of `T` is missing or invalid.
pub(super) fn of_object<T: DeserializeOwned>(Members(members): Members) -> Result<(T, Vec<FieldError>), Problem> {
    let (mut valid, mut errors, mut seen) = (Map::new(), vec![], BTreeSet::new());
    for (name, mut value) in members {
        normalize_number(&mut value);
        if errors.len() == MAX_ERRORS {
            return Err(Problem::wrong_fields(errors));
        }
        let alone = MapDeserializer::<_, serde_json::Error>::new(once((name.as_str(), &value)));
        let error = match serde_path_to_error::deserialize::<_, T>(alone) {
            _ if seen.contains(&name) => Some(body_error(&name, None, "must be given only once")),
            Err(error) if names_field(error.path()) => {
                let (path, text) = (error.path(), error.inner().to_string());
                let is_absent = value.is_null() && !is_unknown(&text);
                (!is_absent).then(|| body_error(&name, Some(path), reason(&text, nested(&value, path))))
            }
            Ok(_) | Err(_) => None,
        };
        match error {
            Some(error) => errors.push(error),
            None if value.is_null() => {}
            None => drop(valid.insert(name.clone(), value)),
        }
        seen.insert(name);
    }
    match T::deserialize(Value::Object(valid)) {
        Ok(value) => Ok((value, errors)),
        Err(error) => {
            let name = missing_field(&error.to_string());
            if errors.iter().all(|error| error.field != name) {
                errors.push(body_error(&name, None, "is required"));
            }
            Err(Problem::wrong_fields(errors))
        }
    }
}

/// Converts a whole number with a fraction of zero, such as `60.0`: to JSON Schema it is an integer, and some clients write it so.
fn normalize_number(value: &mut Value) {
    let whole = value.as_f64().filter(|number| value.is_f64() && number.fract() == 0.0);
    if let Some(integer) = whole.and_then(|number| format!("{number:.0}").parse::<i64>().ok()) {
        *value = integer.into();
    }
}

/// Reads a query string.
///
/// # Errors
/// Fails if parameters are unknown, duplicate, invalid or missing.
pub(super) fn of_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let (mut errors, mut seen) = (vec![], BTreeSet::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if errors.len() == MAX_ERRORS {
            break;
        }
        let Some((name, value)) = form_urlencoded::parse(pair.as_bytes()).next() else { continue };
        let alone = serde_urlencoded::Deserializer::new(form_urlencoded::parse(pair.as_bytes()));
        match serde_path_to_error::deserialize::<_, T>(alone) {
            _ if !seen.insert(name.clone()) => errors.push(FieldError::new(short(&name), "must be given only once")),
            Err(error) if names_field(error.path()) => {
                let reason = reason(&error.inner().to_string(), &Value::String(value.into_owned()));
                errors.push(FieldError::new(short(&name), reason));
            }
            Ok(_) | Err(_) => {}
        }
    }
    let all = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    match (T::deserialize(all), errors.is_empty()) {
        (Ok(value), true) => Ok(value),
        (Err(error), true) => Err(Problem::wrong_field(missing_field(&error.to_string()), "is required")),
        (_, false) => Err(Problem::wrong_fields(errors)),
    }
}

/// Returns whether an error is about the field that was read, not about another one that is missing.
fn names_field(path: &Path) -> bool {
    path.iter().next().is_some()
}

fn is_unknown(text: &str) -> bool {
    text.starts_with("unknown field")
}

/// Returns the value at a path whose first segment is the field itself.
fn nested<'a>(value: &'a Value, path: &Path) -> &'a Value {
    path.iter().skip(1).try_fold(value, |value, segment| child(value, segment)).unwrap_or(value)
}

fn child<'a>(value: &'a Value, segment: &Segment) -> Option<&'a Value> {
    match segment {
        Segment::Seq { index } => value.get(index),
        Segment::Map { key } => value.get(key),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// Creates an error of a field of the body; the first segment of `path` is the field itself.
fn body_error(name: &str, path: Option<&Path>, reason: impl Into<String>) -> FieldError {
    let mut pointer = format!("#/{}", escaped(name));
    for segment in path.into_iter().flat_map(Path::iter).skip(1) {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escaped(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    FieldError { field: short(name), pointer: Some(pointer), reason: reason.into() }
}

/// Escapes a name for a JSON Pointer (RFC 6901, section 3).
fn escaped(name: &str) -> String {
    short(name).replace('~', "~0").replace('/', "~1")
}

/// Converts the text of a serde error to what the sender has to change.
fn reason(text: &str, came: &Value) -> String {
    let expected = text.rsplit_once(", expected ").map(|(_, expected)| expected);
    match expected {
        Some(known) if is_unknown(text) => {
            let known = known.trim_start_matches("one of ");
            format!("is unknown; the known names are {known}")
        }
        None if is_unknown(text) => "is unknown; this operation accepts none".into(),
        Some(expected) if text.starts_with("unknown variant") => format!("must be {expected}, but is {}", shown(came)),
        Some(expected) if text.starts_with("invalid ") => {
            format!("must be {}, but is {}", plain(expected), shown(came))
        }
        _ if text.starts_with("UUID parsing failed") => format!("must be a UUID, but is {}", shown(came)),
        // Errors of domain types start with their own field name.
        _ => match text.split_once(": ").filter(|(name, _)| !name.contains(' ')) {
            Some((_, reason)) => reason.to_owned(),
            None => text.to_owned(),
        },
    }
}

/// Returns what serde expected, in words for people who do not know Rust.
fn plain(expected: &str) -> &str {
    match expected {
        "u32" => "a whole number from 0 to 4,294,967,295",
        "a sequence" => "a list",
        "a map" => "an object",
        "a boolean" => "true or false",
        "a formatted UUID string" => "a UUID",
        "string or map" => "a string",
        other => other,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => format!("the number {}", short(&value.to_string())),
        Value::String(value) => format!("the string {:?}", short(value)),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_REPEATED) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Returns the field in serde's text about a missing field.
fn missing_field(text: &str) -> String {
    text.split('`').nth(1).unwrap_or("body").to_owned()
}
