//! UserInfo responses (OpenID Connect Core, 5.3): JSON, or a JSON Web Token that the provider signed.
use super::{
    claims::Claims,
    fetch::ProviderClient,
    id_token::{Expected, check_parties},
    signed_token::{self, RefusedToken},
};
use http::{HeaderValue, Request, StatusCode, header};
use openidconnect::{JsonWebKeySet, core::CoreJsonWebKey};

/// Requests the claims about the person with this access token. The caller checks whom they are about.
pub(super) async fn fetch(
    http_client: &ProviderClient,
    url: &str,
    keys: &JsonWebKeySet<CoreJsonWebKey>,
    expected: &Expected<'_>,
) -> Result<Claims, String> {
    let request = Request::get(url)
        .header(header::ACCEPT, "application/json, application/jwt")
        .header(header::AUTHORIZATION, format!("Bearer {}", expected.access_token.secret()))
        .body(vec![])
        .map_err(|error| error.to_string())?;
    let answer = http_client.send(request).await.map_err(|error| error.to_string())?;
    if answer.status() != StatusCode::OK {
        return Err(format!("the userinfo endpoint responded with status {}", answer.status().as_u16()));
    }
    match is_token(answer.headers().get(header::CONTENT_TYPE)) {
        true => read_token(answer.body(), keys, expected).map_err(|error| format!("the userinfo response: {error}")),
        false => Claims::read(answer.body()).ok_or_else(|| "the userinfo response is no JSON object".to_owned()),
    }
}

fn is_token(content_type: Option<&HeaderValue>) -> bool {
    let essence = content_type.and_then(|value| value.to_str().ok()?.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/jwt"))
}

/// Verifies the signature, issuer, subject and audience of a signed response (OpenID Connect Core, section 5.3.2), and its expiry if
/// it has one.
fn read_token(
    body: &[u8],
    keys: &JsonWebKeySet<CoreJsonWebKey>,
    expected: &Expected<'_>,
) -> Result<Claims, RefusedToken> {
    let token = str::from_utf8(body).map_err(|_| RefusedToken::Malformed)?;
    let claims = signed_token::verify(token.trim(), keys)?.claims;
    check_parties(&claims, expected)?;
    if claims.get("exp").is_some() && claims.required_time("exp")? <= expected.now {
        return Err(RefusedToken::Expired);
    }
    Ok(claims)
}
