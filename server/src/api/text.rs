//! Schemas of texts that people type: their length, and the characters that are refused.
use utoipa::openapi::{
    Object, ObjectBuilder,
    schema::{AdditionalProperties, SchemaType, Type},
};

/// Control and invisible characters, without the joiners and variation selectors that some words and emoji need, and those beyond
/// U+FFFF, which patterns write differently in each language ([`domain::text::is_visible`]).
const INVISIBLE: &str = "\\u007F-\\u009F\\u00AD\\u034F\\u061C\\u115F\\u1160\\u17B4\\u17B5\\u180B-\\u180F\\u200B\\u200E\\u200F\
    \\u2028-\\u202E\\u2060-\\u206F\\u3164\\uFE00-\\uFE0D\\uFEFF\\uFFA0\\uFFF0-\\uFFFB";

const NULLABLE: [Type; 2] = [Type::String, Type::Null];

fn text(description: &str, max_length: usize) -> ObjectBuilder {
    ObjectBuilder::new().description(Some(description)).max_length(Some(max_length))
}

/// Returns the schema of the title of a new task.
pub(super) fn title() -> Object {
    const DESCRIPTION: &str = "Title, up to 120 visible characters. By default the comment at the beginning of the script, or its first \
        command; a task that needs approval must have a title or such a comment.";
    text(DESCRIPTION, 120)
        .schema_type(SchemaType::from_iter(NULLABLE))
        .pattern(Some(format!("^[^\\u0000-\\u001F{INVISIBLE}]*$")))
        .build()
}

/// Returns the schema of the purpose of a new task.
pub(super) fn purpose() -> Object {
    text("Why the task should run, for approvers: up to 1,000 visible characters. A rule can require it.", 1_000)
        .schema_type(SchemaType::from_iter(NULLABLE))
        .pattern(Some(format!("^{}*$", line_characters())))
        .build()
}

/// Returns the schema of the ticket of a new task.
pub(super) fn ticket() -> Object {
    text("URL of a ticket, for approvers.", 500)
        .schema_type(SchemaType::from_iter(NULLABLE))
        .pattern(Some(r#"^(https?://[!"$-.0->A-\[\]-~]+([/?#][!-~]*)?)?$"#))
        .build()
}

/// Returns the schema of the script of a new task. A schema cannot limit bytes.
pub(super) fn script() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("Script, 1 byte to 256 KiB of text without NUL, at most 20,000 lines, not only white space."))
        .min_length(Some(1))
        .pattern(Some("\\S"))
        .build()
}

/// Returns the schema of the labels of a new task.
pub(super) fn labels() -> Object {
    let value = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(255))
        .pattern(Some(format!("^[^\\u0000-\\u001F{INVISIBLE}]*$")));
    let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[a-z0-9._/-]{1,63}$"));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .description(Some(
            "Labels, at most 16. Names: 1 to 63 of `a-z 0-9 . _ / -`; values: up to 255 visible characters.",
        ))
        .property_names(Some(name))
        .additional_properties(Some(AdditionalProperties::from(value)))
        .max_properties(Some(16))
        .build()
}

/// Returns the schema of the reason of an approval.
pub(super) fn reason_to_approve() -> Object {
    reason("Reason, up to 1,000 characters.").schema_type(SchemaType::from_iter(NULLABLE)).build()
}

/// Returns the schema of the reason of a denial.
pub(super) fn reason_to_deny() -> Object {
    let pattern = format!("^[^\\s\\u0000-\\u001F{INVISIBLE}]{}*$", line_characters());
    reason("Reason, 1 to 1,000 characters.")
        .schema_type(Type::String)
        .min_length(Some(1))
        .pattern(Some(pattern))
        .build()
}

/// Returns the schema of a label filter.
pub(super) fn label_filter() -> Object {
    let pattern = format!("^[a-z0-9._/-]{{1,63}}=[^\\u0000-\\u001F{INVISIBLE}]{{0,255}}$");
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build()
}

fn reason(description: &str) -> ObjectBuilder {
    text(description, 1_000).pattern(Some(format!("^{}*$", line_characters())))
}

/// Visible characters and line feeds.
fn line_characters() -> String {
    format!("[^\\u0000-\\u0009\\u000B-\\u001F{INVISIBLE}]")
}
