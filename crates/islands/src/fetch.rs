//! HTTP requests to the server, by `XMLHttpRequest`.
//!
//! Only an `XMLHttpRequest` parses an HTML response itself; the pages' policy (`require-trusted-types-for`) forbids parsing
//! markup from a string.
use js_sys::{Promise, futures::JsFuture};
use wasm_bindgen::JsValue;
use web_sys::{Document, XmlHttpRequest, XmlHttpRequestResponseType};

/// Fetches a page and returns its parsed document.
pub async fn page(url: &str) -> Result<Document, JsValue> {
    let request = get(url, XmlHttpRequestResponseType::Document).await?;
    request.response_xml()?.ok_or(JsValue::NULL)
}

/// Fetches JSON and returns it as a JavaScript object.
pub async fn json(url: &str) -> Result<JsValue, JsValue> {
    get(url, XmlHttpRequestResponseType::Json).await?.response()
}

/// Fetches plain text.
pub async fn text(url: &str) -> Result<String, JsValue> {
    let request = get(url, XmlHttpRequestResponseType::Text).await?;
    request.response_text()?.ok_or(JsValue::NULL)
}

/// Posts a form to an action and returns its JSON response, whatever the status.
pub async fn post(url: &str, form: &str) -> Result<JsValue, JsValue> {
    send("POST", url, Some(form), XmlHttpRequestResponseType::Json).await?.response()
}

async fn get(url: &str, response_type: XmlHttpRequestResponseType) -> Result<XmlHttpRequest, JsValue> {
    let request = send("GET", url, None, response_type).await?;
    match request.status()? {
        200 => Ok(request),
        _ => Err(JsValue::NULL),
    }
}

async fn send(
    method: &str,
    url: &str,
    form: Option<&str>,
    response_type: XmlHttpRequestResponseType,
) -> Result<XmlHttpRequest, JsValue> {
    let request = XmlHttpRequest::new()?;
    request.open(method, url)?;
    request.set_response_type(response_type);
    if form.is_some() {
        request.set_request_header("content-type", "application/x-www-form-urlencoded")?;
        request.set_request_header("accept", "application/json")?;
    }
    let ended = Promise::new(&mut |resolve, _| request.set_onloadend(Some(&resolve)));
    request.send_with_opt_str(form)?;
    JsFuture::from(ended).await?;
    Ok(request)
}
