//! Schemas of the server-sent events of a task log, one for each event, so that generated clients can read the stream.
use super::enums;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Discriminator, Ref, RefOr, Schema,
        schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type},
    },
};

/// Event of a followed log, with the fields of WHATWG HTML, section 9.2.
#[derive(Debug)]
pub(super) struct LogEvent;

/// Data of a `line` event.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the JSON of `live::events`; a test compares them")]
pub(super) struct LogLine {
    /// Number of the line, from 1.
    #[schema(minimum = 1)]
    line: i64,
    /// When the line was printed.
    #[schema(value_type = String, format = DateTime)]
    at: String,
    #[schema(value_type = enums::Stream)]
    stream: String,
    /// Text of the line, with escape sequences.
    text: String,
    /// Whether it continues the line before it: a line of more than 16 KiB is sent in parts.
    continued: bool,
}

/// Incomplete last line of a stream. It is sent as a `line` once it is complete.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the JSON of `live::events`; a test compares them")]
pub(super) struct IncompleteLine {
    /// When it was read.
    #[schema(value_type = String, format = DateTime)]
    at: String,
    #[schema(value_type = enums::Stream)]
    stream: String,
    /// Text so far, at most the last 4 KiB, with escape sequences.
    text: String,
}

/// Name of the schema, of the event, its description, and the schema of its data.
fn events() -> [(&'static str, &'static str, &'static str, RefOr<Schema>); 5] {
    let state = || Ref::from_schema_name(enums::TaskState::name()).into();
    let attempt = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]+$"));
    let json = |schema: RefOr<Schema>| {
        let text = ObjectBuilder::new().schema_type(Type::String).content_media_type("application/json");
        text.content_schema(Some(schema))
    };
    let line = json(Ref::from_schema_name(LogLine::name()).into());
    let incomplete = ArrayBuilder::new().items(Ref::from_schema_name(IncompleteLine::name())).max_items(Some(2));
    let incomplete = json(Schema::from(incomplete).into());
    [
        ("StateEvent", "state", "State of the task, first and after each change.", state()),
        ("AttemptEvent", "attempt", "Number of a new attempt, whose lines start at 1 again.", attempt.into()),
        ("LineEvent", "line", "A line of the output, as JSON.", line.into()),
        (
            "IncompleteEvent",
            "incomplete",
            "Incomplete last lines, as JSON; replaces the former ones.",
            incomplete.into(),
        ),
        ("EndEvent", "end", "Final state of the task, after all lines. The stream ends.", state()),
    ]
}

fn event(name: &str, description: &str, data: RefOr<Schema>) -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let id = text()
        .pattern(Some("^[0-9]+\\.[0-9]+$"))
        .description(Some("Send it as `Last-Event-ID` to resume after this event."));
    ObjectBuilder::new()
        .description(Some(description))
        .property("id", id)
        .property("event", text().enum_values(Some([name])))
        .property("data", data)
        .required("id")
        .required("event")
        .required("data")
        .into()
}

impl PartialSchema for LogEvent {
    fn schema() -> RefOr<Schema> {
        let mut kinds = Discriminator::new("event");
        let mut one_of = OneOfBuilder::new().description(Some("Event of a followed log."));
        for (schema, name, ..) in events() {
            let reference = Ref::from_schema_name(schema);
            kinds.mapping.insert(name.into(), reference.ref_location.clone());
            one_of = one_of.item(reference);
        }
        one_of.discriminator(Some(kinds)).into()
    }
}

impl ToSchema for LogEvent {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        for (schema, name, description, data) in events() {
            schemas.push((schema.into(), event(name, description, data).into()));
        }
        schemas.push((LogLine::name().into(), LogLine::schema()));
        LogLine::schemas(schemas);
        schemas.push((IncompleteLine::name().into(), IncompleteLine::schema()));
        IncompleteLine::schemas(schemas);
        schemas.push((enums::TaskState::name().into(), enums::TaskState::schema()));
    }
}
