//! WebAuthn ceremonies in the browser. Options and credentials are passed through as the browser's own JSON.
use crate::{dom, fetch};
use js_sys::{
    Function, JSON, Object, Promise, Reflect,
    futures::{JsFuture, spawn_local},
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlFormElement, HtmlInputElement, MouseEvent};

const CREDENTIAL_CLASS: &str = "PublicKeyCredential";

/// The reason why a ceremony failed.
pub enum CeremonyError {
    /// The server refused it, with this reason.
    Refused(String),
    /// The authenticator already has a passkey of this person.
    AlreadyRegistered,
    /// The browser does not say why: the person or the authenticator declined.
    Other,
}

impl CeremonyError {
    fn of(error: &JsValue) -> Self {
        if let Some(reason) = error.as_string() {
            return Self::Refused(reason);
        }
        let name = Reflect::get(error, &"name".into()).ok().and_then(|name| name.as_string());
        match name.as_deref() {
            Some("InvalidStateError") => Self::AlreadyRegistered,
            _ => Self::Other,
        }
    }
}

/// Returns whether the browser supports passkeys and the page's host is the one that they are bound to.
pub fn is_supported(host: &str) -> bool {
    let Some(window) = dom::window() else { return false };
    let page_host = window.location().hostname().unwrap_or_default();
    let parses_json = |class: &JsValue| method(class, "parseRequestOptionsFromJSON").is_ok();
    page_host == host && Reflect::get(&window, &CREDENTIAL_CLASS.into()).is_ok_and(|class| parses_json(&class))
}

/// Runs a ceremony and submits the form of the pressed button. Calls `on_error` if that fails.
pub fn submit_passkey(
    event: &MouseEvent,
    purpose: &str,
    options: Option<String>,
    prefix: &str,
    on_error: impl FnOnce(CeremonyError) + 'static,
) {
    let button = event.current_target().or_else(|| event.target()).and_then(|target| target.dyn_into::<Element>().ok());
    let Some(form) = button.and_then(|button| button.closest("form").ok().flatten()) else { return };
    let Ok(form) = form.dyn_into::<HtmlFormElement>() else { return };
    let (purpose, prefix) = (purpose.to_owned(), prefix.to_owned());
    spawn_local(async move {
        if let Err(error) = run_ceremony(&form, &purpose, options, &prefix).await {
            on_error(CeremonyError::of(&error));
        }
    });
}

async fn run_ceremony(
    form: &HtmlFormElement,
    purpose: &str,
    options: Option<String>,
    prefix: &str,
) -> Result<(), JsValue> {
    if let Some(options) = options {
        let credential = request_credential(false, &JSON::parse(&options)?).await?;
        return submit(form, &[(format!("{prefix}passkey"), credential)]);
    }
    let outcome = fetch::post("/actions/factors/ask-passkey", &format!("purpose={purpose}")).await?;
    if Reflect::get(&outcome, &"kind".into())?.as_string().as_deref() == Some("stale") {
        let path = dom::window().ok_or(JsValue::NULL)?.location().pathname()?;
        dom::navigate(&format!("/prove?next={}", js_sys::encode_uri_component(&path)));
        return Ok(());
    }
    let refusal = Reflect::get(&outcome, &"message".into())?;
    let challenge = Reflect::get(&outcome, &"secret".into())?.as_string().ok_or(refusal)?;
    let challenge = JSON::parse(&challenge)?;
    let ceremony = Reflect::get(&challenge, &"ceremony".into())?.as_string().ok_or(JsValue::NULL)?;
    let options = Reflect::get(&challenge, &"publicKey".into())?;
    let credential = request_credential(purpose == "register", &options).await?;
    submit(form, &[(format!("{prefix}ceremony"), ceremony), (format!("{prefix}passkey"), credential)])
}

/// Fills in fields of a form and submits it.
fn submit(form: &HtmlFormElement, fields: &[(String, String)]) -> Result<(), JsValue> {
    for (name, value) in fields {
        let field = form.query_selector(&format!("input[name='{name}']"))?.ok_or(JsValue::NULL)?;
        field.dyn_into::<HtmlInputElement>()?.set_value(value);
    }
    form.request_submit()
}

/// Creates a passkey or uses one, and returns the browser's response as JSON.
async fn request_credential(create: bool, options: &JsValue) -> Result<String, JsValue> {
    let window = dom::window().ok_or(JsValue::NULL)?;
    let class = Reflect::get(&window, &CREDENTIAL_CLASS.into())?;
    let parse = if create { "parseCreationOptionsFromJSON" } else { "parseRequestOptionsFromJSON" };
    let request = Object::new();
    Reflect::set(&request, &"publicKey".into(), &method(&class, parse)?.call1(&class, options)?)?;
    let container = Reflect::get(&window.navigator(), &"credentials".into())?;
    let promise = method(&container, if create { "create" } else { "get" })?.call1(&container, &request)?;
    let credential = JsFuture::from(promise.dyn_into::<Promise>()?).await?;
    let json = method(&credential, "toJSON")?.call0(&credential)?;
    JSON::stringify(&json)?.as_string().ok_or(JsValue::NULL)
}

fn method(object: &JsValue, name: &str) -> Result<Function, JsValue> {
    Reflect::get(object, &name.into())?.dyn_into()
}
