//! What the browser does with passkeys: WebAuthn's own JSON goes in and comes out, nothing is looked into.
use crate::ui::islands::dom;
use js_sys::{
    Function, JSON, Object, Promise, Reflect,
    futures::{JsFuture, spawn_local},
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlFormElement, HtmlInputElement, MouseEvent};

const CLASS: &str = "PublicKeyCredential";

/// Whether the browser knows passkeys, and the page is at the name that they are bound to.
pub fn knows_passkeys(host: &str) -> bool {
    let Some(window) = dom::window() else { return false };
    let here = window.location().hostname().unwrap_or_default();
    let reads = |class: &JsValue| function(class, "parseRequestOptionsFromJSON").is_ok();
    here == host && Reflect::get(&window, &CLASS.into()).is_ok_and(|class| reads(&class))
}

/// Asks for a passkey and sends the form that the pressed button stands in; `failed` where that came to nothing, with what
/// the server said against it.
pub fn ask_from(event: &MouseEvent, purpose: &str, prefix: &str, failed: impl FnOnce(Option<String>) + 'static) {
    let button = event.current_target().or_else(|| event.target()).and_then(|target| target.dyn_into::<Element>().ok());
    let Some(form) = button.and_then(|button| button.closest("form").ok().flatten()) else { return };
    let Ok(form) = form.dyn_into::<HtmlFormElement>() else { return };
    let (purpose, prefix) = (purpose.to_owned(), prefix.to_owned());
    spawn_local(async move {
        if let Err(error) = answer(&form, &purpose, &prefix).await {
            failed(error.as_string());
        }
    });
}

async fn answer(form: &HtmlFormElement, purpose: &str, prefix: &str) -> Result<(), JsValue> {
    let done = dom::post("/actions/factors/ask-passkey", &format!("purpose={purpose}")).await?;
    if Reflect::get(&done, &"kind".into())?.as_string().as_deref() == Some("stale") {
        let here = dom::window().ok_or(JsValue::NULL)?.location().pathname()?;
        dom::go(&format!("/prove?next={}", js_sys::encode_uri_component(&here)));
        return Ok(());
    }
    let refused = Reflect::get(&done, &"message".into())?;
    let asked = Reflect::get(&done, &"secret".into())?.as_string().ok_or(refused)?;
    let asked = JSON::parse(&asked)?;
    let ceremony = Reflect::get(&asked, &"ceremony".into())?.as_string().ok_or(JsValue::NULL)?;
    let credential = credential(purpose == "register", &Reflect::get(&asked, &"publicKey".into())?).await?;
    for (name, value) in [("ceremony", ceremony), ("passkey", credential)] {
        let field = form.query_selector(&format!("input[name='{prefix}{name}']"))?.ok_or(JsValue::NULL)?;
        field.dyn_into::<HtmlInputElement>()?.set_value(&value);
    }
    form.request_submit()
}

/// Has the browser make a passkey, or use one, as these options say; what it answers, as JSON.
async fn credential(make: bool, options: &JsValue) -> Result<String, JsValue> {
    let window = dom::window().ok_or(JsValue::NULL)?;
    let class = Reflect::get(&window, &CLASS.into())?;
    let read = if make { "parseCreationOptionsFromJSON" } else { "parseRequestOptionsFromJSON" };
    let request = Object::new();
    Reflect::set(&request, &"publicKey".into(), &function(&class, read)?.call1(&class, options)?)?;
    let container = Reflect::get(&window.navigator(), &"credentials".into())?;
    let asked = function(&container, if make { "create" } else { "get" })?.call1(&container, &request)?;
    let credential = JsFuture::from(asked.dyn_into::<Promise>()?).await?;
    let json = function(&credential, "toJSON")?.call0(&credential)?;
    JSON::stringify(&json)?.as_string().ok_or(JsValue::NULL)
}

fn function(of: &JsValue, name: &str) -> Result<Function, JsValue> {
    Reflect::get(of, &name.into())?.dyn_into()
}
