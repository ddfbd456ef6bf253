//! Fields: label above, help below, the error beside them, and what was typed kept.
use super::{Filled, rcdata::rcdata};
use islands::ShowPassword;
use leptos::prelude::*;

/// What all kinds of field have in common.
struct Frame {
    filled: Filled,
    name: String,
    id: String,
    label: String,
    help: Option<String>,
    error: Option<String>,
}

impl Frame {
    fn new(name: String, label: String, help: Option<String>) -> Self {
        let filled = use_context::<Filled>().unwrap_or_default();
        filled.note(&name, &label);
        let (id, error) = (filled.id_of(&name), filled.error(&name));
        Self { filled, name, id, label, help, error }
    }

    fn value(&self, at_first: String) -> String {
        self.filled.typed(&self.name).map_or(at_first, str::to_owned)
    }

    fn invalid(&self) -> Option<&'static str> {
        self.error.as_ref().map(|_| "true")
    }

    /// The ids of help and error, for `aria-describedby`.
    fn described_by(&self) -> Option<String> {
        let help = self.help.as_ref().map(|_| format!("{}-help", self.id));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.id));
        let ids: Vec<_> = help.into_iter().chain(error).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn around(self, input: impl IntoView) -> impl IntoView {
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

/// One line of text.
#[component]
pub fn Field(
    /// In the form.
    #[prop(into)]
    name: String,
    /// What to write.
    #[prop(into)]
    label: String,
    /// What is allowed, and what it is for.
    #[prop(optional, into)]
    help: Option<String>,
    /// `text`, `email`, `number`, `date` …
    #[prop(default = "text")]
    kind: &'static str,
    /// What stands there at first.
    #[prop(optional, into)]
    value: String,
    /// Whether it must not stay empty.
    #[prop(optional)]
    required: bool,
    /// What the browser may fill in.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// The least number.
    #[prop(optional)]
    min: Option<u32>,
    /// The largest number.
    #[prop(optional)]
    max: Option<u32>,
) -> impl IntoView {
    let frame = Frame::new(name, label, help);
    let (id, name) = (frame.id.clone(), frame.name.clone());
    let (invalid, described, value) = (frame.invalid(), frame.described_by(), frame.value(value));
    frame.around(view! {
        <input
            class="input" id=id name=name type=kind value=value required=required autocomplete=autocomplete
            min=min max=max aria-invalid=invalid aria-describedby=described
        />
    })
}

/// A password; with JavaScript it can be shown. It is never filled in again.
#[component]
pub fn Password(
    /// In the form.
    #[prop(into)]
    name: String,
    /// What to write.
    #[prop(into)]
    label: String,
    /// What is allowed.
    #[prop(optional, into)]
    help: Option<String>,
    /// `current-password` or `new-password`.
    autocomplete: &'static str,
    /// Whether something else may stand in for it.
    #[prop(optional)]
    may_be_empty: bool,
) -> impl IntoView {
    let frame = Frame::new(name, label, help);
    let (id, name) = (frame.id.clone(), frame.name.clone());
    let (invalid, described) = (frame.invalid(), frame.described_by());
    frame.around(view! {
        <div class="input-row">
            <input
                class="input" id=id.clone() name=name type="password" required=!may_be_empty autocomplete=autocomplete
                aria-invalid=invalid aria-describedby=described
            />
            <ShowPassword field=id show=t!("password-show") hide=t!("password-hide") />
        </div>
    })
}

/// Several lines of text.
#[component]
pub fn TextArea(
    /// In the form.
    #[prop(into)]
    name: String,
    /// What to write.
    #[prop(into)]
    label: String,
    /// What is allowed, and what it is for.
    #[prop(optional, into)]
    help: Option<String>,
    /// What stands there at first.
    #[prop(optional, into)]
    value: String,
    /// How many lines are seen.
    #[prop(default = 4)]
    rows: u32,
    /// Whether it must not stay empty.
    #[prop(optional)]
    required: bool,
    /// Whether it is code.
    #[prop(optional)]
    mono: bool,
) -> impl IntoView {
    let frame = Frame::new(name, label, help);
    let (id, name) = (frame.id.clone(), frame.name.clone());
    let (invalid, described, value) = (frame.invalid(), frame.described_by(), frame.value(value));
    // A parser drops one line feed after the tag: without ours it would be one of the text's.
    let text = format!("\n{}", rcdata(&value));
    frame.around(view! {
        <textarea
            class=if mono { "input font-mono" } else { "input" } id=id name=name rows=rows required=required
            spellcheck=mono.then_some("false") aria-invalid=invalid aria-describedby=described
        >
            {text}
        </textarea>
    })
}

/// One of the values of a [`Select`].
#[derive(Clone, Debug)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
}

impl Choice {
    /// One of them.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// One out of several values.
#[component]
pub fn Select(
    /// In the form.
    #[prop(into)]
    name: String,
    /// What to choose.
    #[prop(into)]
    label: String,
    /// What it is for.
    #[prop(optional, into)]
    help: Option<String>,
    /// The values.
    choices: Vec<Choice>,
    /// The one that is chosen at first.
    #[prop(optional, into)]
    value: String,
) -> impl IntoView {
    let frame = Frame::new(name, label, help);
    let (id, name) = (frame.id.clone(), frame.name.clone());
    let (invalid, described, chosen) = (frame.invalid(), frame.described_by(), frame.value(value));
    let option = move |choice: Choice| {
        let selected = choice.value == chosen;
        view! { <option value=choice.value selected=selected>{choice.label}</option> }
    };
    frame.around(view! {
        <select class="input" id=id name=name aria-invalid=invalid aria-describedby=described>
            {choices.into_iter().map(option).collect_view()}
        </select>
    })
}

/// A box to tick.
#[component]
pub fn Checkbox(
    /// In the form.
    #[prop(into)]
    name: String,
    /// What is sent when it is ticked.
    #[prop(default = "true".into(), into)]
    value: String,
    /// What ticking it means.
    #[prop(into)]
    label: String,
    /// More about it.
    #[prop(optional, into)]
    help: Option<String>,
    /// Whether it is ticked at first.
    #[prop(optional)]
    ticked: bool,
) -> impl IntoView {
    let filled = use_context::<Filled>().unwrap_or_default();
    let ticked = filled.ticked(&name, &value, ticked);
    let id = filled.id_of(&format!("{name}-{value}"));
    let described = help.as_ref().map(|_| format!("{id}-help"));
    view! {
        <div class="check">
            <input type="checkbox" id=id.clone() name=name value=value checked=ticked aria-describedby=described />
            <label for=id.clone()>{label}</label>
            {help.map(|text| view! { <p class="help" id=format!("{id}-help")>{text}</p> })}
        </div>
    }
}
