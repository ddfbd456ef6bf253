//! Lenient reading of providers: from discovery documents and token responses, members that are not used are removed before the
//! library reads them, because odd types there would make it refuse the whole response.
use super::{FetchError, fetch::ProviderClient};
use futures::future::BoxFuture;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde_json::{Map, Value};

/// The members of a discovery document that are used.
const DISCOVERY: [&str; 11] = [
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "response_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "scopes_supported",
    "token_endpoint_auth_methods_supported",
    "authorization_response_iss_parameter_supported",
];

/// The members of a token response that are used (RFC 6749, sections 5.1 and 5.2).
const TOKEN: [&str; 5] = ["access_token", "id_token", "token_type", "error", "error_description"];

/// A client that reads leniently.
#[derive(Clone, Copy, Debug)]
pub(super) struct LenientClient<'a>(pub &'a ProviderClient);

impl<'c> AsyncHttpClient<'c> for LenientClient<'_> {
    type Error = FetchError;
    type Future = BoxFuture<'c, Result<HttpResponse, FetchError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let mut response = self.0.send(request).await?;
            if let Ok(Value::Object(document)) = serde_json::from_slice(response.body()) {
                *response.body_mut() = Value::Object(used(document)).to_string().into_bytes();
            }
            Ok(response)
        })
    }
}

/// Removes unused members. Other documents, such as key sets, stay as they are.
fn used(mut document: Map<String, Value>) -> Map<String, Value> {
    if document.contains_key("authorization_endpoint") {
        document.retain(|name, value| DISCOVERY.contains(&name.as_str()) && !value.is_null());
        for list in ["scopes_supported", "token_endpoint_auth_methods_supported"] {
            if document.get(list).is_some_and(|value| !is_texts(value)) {
                document.remove(list);
            }
        }
        let names_issuer = "authorization_response_iss_parameter_supported";
        if let Some(value) = document.get_mut(names_issuer) {
            *value = Value::Bool(*value == Value::Bool(true) || value.as_str() == Some("true"));
        }
    } else if document.contains_key("access_token") {
        document.retain(|name, value| TOKEN.contains(&name.as_str()) && !value.is_null());
        document.entry("token_type").or_insert_with(|| "Bearer".into());
    }
    document
}

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(Value::is_string))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn used(value: Value) -> Value {
        Value::Object(super::used(value.as_object().unwrap().clone()))
    }

    #[test]
    fn case_x05_odd_members_of_a_token_response_are_removed() {
        let odd = json!({ "access_token": "a", "id_token": "b", "expires_in": "300", "scope": ["openid"], "refresh_token": 1 });
        assert_eq!(used(odd), json!({ "access_token": "a", "id_token": "b", "token_type": "Bearer" }));
        let error = json!({ "error": "invalid_grant", "error_description": "no" });
        assert_eq!(used(error.clone()), error);
    }

    #[test]
    fn case_x05_odd_members_of_a_discovery_document_are_removed() {
        let odd = json!({
            "issuer": "i", "authorization_endpoint": "a", "claims_parameter_supported": "true", "scopes_supported": null,
            "token_endpoint_auth_methods_supported": "client_secret_basic", "userinfo_endpoint": null,
            "authorization_response_iss_parameter_supported": "true",
        });
        let read = json!({ "issuer": "i", "authorization_endpoint": "a", "authorization_response_iss_parameter_supported": true });
        assert_eq!(used(odd), read);
    }
}
