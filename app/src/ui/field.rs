//! Form fields: label above, error and help below, and the submitted value kept.
use super::{FormState, escape::escape_rcdata};
use islands::ShowPassword;
use leptos::prelude::*;

/// The common parts of all fields.
struct FieldFrame {
    form: FormState,
    name: String,
    id: String,
    label: String,
    help: Option<String>,
    error: Option<String>,
}

impl FieldFrame {
    fn new(name: String, label: String, help: Option<String>) -> Self {
        let form = use_context::<FormState>().unwrap_or_default();
        form.register(&name, &label);
        let (id, error) = (form.id_of(&name), form.error(&name));
        Self { form, name, id, label, help, error }
    }

    fn value(&self, initial: String) -> String {
        self.form.typed(&self.name).map_or(initial, str::to_owned)
    }

    fn invalid(&self) -> Option<&'static str> {
        self.error.as_ref().map(|_| "true")
    }

    /// Returns the ids of help and error, for `aria-describedby`.
    fn described_by(&self) -> Option<String> {
        let help = self.help.as_ref().map(|_| format!("{}-help", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        let ids: Vec<_> = help.into_iter().chain(error).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn wrap(self, input: impl IntoView) -> impl IntoView {
        let Self { id, label, help, error, .. } = self;
        view! {
            <div class="field">
                <label for=id.clone()>{label}</label>
                {input}
                {error.map(|text| view! { <p class="field-error" id=format!("{id}-error")>{text}</p> })}
                {help.map(|text| view! { <p class="help" id=format!("{id}-help")>{text}</p> })}
            </div>
        }
    }
}

/// A single-line text field.
#[component]
pub fn Field(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    /// What is allowed, and what it is for.
    #[prop(optional, into)]
    help: Option<String>,
    /// `text`, `email`, `number`, `date` …
    #[prop(default = "text")]
    kind: &'static str,
    /// The initial value.
    #[prop(optional, into)]
    value: String,
    #[prop(optional)] required: bool,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional)] min: Option<u32>,
    #[prop(optional)] max: Option<u32>,
) -> impl IntoView {
    let frame = FieldFrame::new(name, label, help);
    let (id, name) = (frame.id.clone(), frame.name.clone());
    let (invalid, described, value) = (frame.invalid(), frame.described_by(), frame.value(value));
    frame.wrap(view! {
        <input
            class="input" id=id name=name type=kind value=value required=required autocomplete=autocomplete
            min=min max=max aria-invalid=invalid aria-describedby=described
        />
    })
}

/// A password field; JavaScript can reveal it. Its value is never form in again.
#[component]
pub fn Password(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] help: Option<String>,
    /// `current-password` or `new-password`.
    autocomplete: &'static str,
    /// Whether another factor can replace it.
    #[prop(optional)]
    may_be_empty: bool,
) -> impl IntoView {
    let frame = FieldFrame::new(name, label, help);
    let (id, name) = (frame.id.clone(), frame.name.clone());
    let (invalid, described) = (frame.invalid(), frame.described_by());
    frame.wrap(view! {
        <div class="input-row">
            <input
                class="input" id=id.clone() name=name type="password" required=!may_be_empty autocomplete=autocomplete
                aria-invalid=invalid aria-describedby=described
            />
            <ShowPassword field=id show=t!("password-show") hide=t!("password-hide") />
        </div>
    })
}

/// A multi-line text field.
#[component]
pub fn TextArea(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] help: Option<String>,
    /// The initial value.
    #[prop(optional, into)]
    value: String,
    #[prop(default = 4)] rows: u32,
    #[prop(optional)] required: bool,
    /// Whether it contains code.
    #[prop(optional)]
    mono: bool,
) -> impl IntoView {
    let frame = FieldFrame::new(name, label, help);
    let (id, name) = (frame.id.clone(), frame.name.clone());
    let (invalid, described, value) = (frame.invalid(), frame.described_by(), frame.value(value));
    // The parser drops the first line feed in a textarea; this one keeps the text's own.
    let text = format!("\n{}", escape_rcdata(&value));
    frame.wrap(view! {
        <textarea
            class=if mono { "input font-mono" } else { "input" } id=id name=name rows=rows required=required
            spellcheck=mono.then_some("false") aria-invalid=invalid aria-describedby=described
        >
            {text}
        </textarea>
    })
}

/// An option of a [`Select`].
#[derive(Clone, Debug)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// A select field.
#[component]
pub fn Select(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] help: Option<String>,
    choices: Vec<Choice>,
    /// The initial value.
    #[prop(optional, into)]
    value: String,
) -> impl IntoView {
    let frame = FieldFrame::new(name, label, help);
    let (id, name) = (frame.id.clone(), frame.name.clone());
    let (invalid, described, chosen) = (frame.invalid(), frame.described_by(), frame.value(value));
    let option = move |choice: Choice| {
        let selected = choice.value == chosen;
        view! { <option value=choice.value selected=selected>{choice.label}</option> }
    };
    frame.wrap(view! {
        <select class="input" id=id name=name aria-invalid=invalid aria-describedby=described>
            {choices.into_iter().map(option).collect_view()}
        </select>
    })
}

#[component]
pub fn Checkbox(
    #[prop(into)] name: String,
    /// The value that a ticked box submits.
    #[prop(default = "true".into(), into)]
    value: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] help: Option<String>,
    #[prop(optional)] ticked: bool,
) -> impl IntoView {
    let form = use_context::<FormState>().unwrap_or_default();
    let ticked = form.ticked(&name, &value, ticked);
    let id = form.id_of(&format!("{name}-{value}"));
    let described = help.as_ref().map(|_| format!("{id}-help"));
    view! {
        <div class="check">
            <input type="checkbox" id=id.clone() name=name value=value checked=ticked aria-describedby=described />
            <label for=id.clone()>{label}</label>
            {help.map(|text| view! { <p class="help" id=format!("{id}-help")>{text}</p> })}
        </div>
    }
}
