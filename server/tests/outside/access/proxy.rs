//! TLS-terminating proxies: secure cookies and forwarded client addresses (A-07, M-14).
use crate::{
    client::{Credential, Response, client, form},
    people::PASSWORD,
    program::{Program, on_both},
};
use reqwest::{Method, RequestBuilder, header::HeaderValue};
use testkit::ADAM;

/// The public host name.
const NAME: &str = "castellan.example.org";

/// Starts a deployment that trusts the proxy at 127.0.0.1.
async fn behind_a_proxy(program: &mut Program) {
    program.use_fixed_ports();
    let reached = program.origin.clone();
    program.set("CASTELLAN_TLS_TERMINATED_BY_PROXY", "true");
    program.set("CASTELLAN_TRUSTED_PROXIES", "127.0.0.1/32");
    program.set("CASTELLAN_PUBLIC_URL", &format!("https://{NAME}"));
    program.set("CASTELLAN_ADMIN_ALLOW", "203.0.113.0/24");
    program.tenant("acme");
    program.person(ADAM, "acme");
    program.start().await;
    assert_eq!(program.origin, format!("https://{NAME}"));
    program.origin = reached; // the address behind the proxy
}

/// Adds the headers that the proxy sends for a client at this address.
fn proxied(request: RequestBuilder, from: &str) -> RequestBuilder {
    request.header("host", NAME).header("x-forwarded-proto", "https").header("x-forwarded-for", from)
}

/// Returns the `Set-Cookie` headers.
fn cookies(response: &Response) -> Vec<&str> {
    response.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect()
}

async fn sign_in(program: &Program, from: &str) -> Response {
    let fields = form(&[("_page", "/sign-in"), ("email", "adam@acme.example"), ("password", PASSWORD)]);
    let request = program.action(Credential::Anonymous, "login/sign-in", "text/html", &fields);
    Response::of(proxied(request, from).header("origin", format!("https://{NAME}"))).await.is(303)
}

on_both! {
    async fn a_07_behind_a_tls_proxy_every_cookie_is_secure(program) {
        behind_a_proxy(program).await;
        let response = sign_in(program, "198.51.100.7").await;
        let lines = cookies(&response);
        assert!(lines.iter().all(|line| line.starts_with("__Host-") && line.contains("; Secure") && line.contains("Path=/")), "{lines:?}");
        assert!(lines.iter().all(|line| line.contains("HttpOnly") && !line.contains("Domain")), "{lines:?}");
        let session = lines.iter().find(|line| line.starts_with("__Host-castellan=")).expect("signing in opens a session");
        let pair = session.split(';').next().unwrap();
        let page = async |cookie: &str| {
            let cookie = HeaderValue::from_bytes(cookie.as_bytes()).unwrap();
            let request = program.bare(Method::GET, "/browser-sessions").header("cookie", cookie);
            Response::of(proxied(request, "198.51.100.7")).await
        };
        let own = page(pair).await.is(200);
        assert!(own.header("strict-transport-security").contains("max-age="), "{own}");
        assert!(own.body.contains("198.51.100.7"), "the list of sessions shows the client's address, not the proxy's");
        // A cookie that a page without TLS could set is ignored.
        page(&pair.replace("__Host-castellan", "castellan")).await.is(303);
        // Names that equal the cookie's name only after decoding or trimming are ignored, because a neighboring site
        // could set them.
        for name in ["__%48ost-castellan", "%5F_Host-castellan", "\u{a0}__Host-castellan", "__Host-castellan\u{2003}"] {
            page(&pair.replace("__Host-castellan", name)).await.is(303);
            page(&format!("{pair}; {name}=x")).await.is(200);
        }

        let fields = form(&[("_page", "/browser-sessions")]);
        let out = program.action(Credential::Anonymous, "login/sign-out", "text/html", &fields).header("cookie", pair);
        let out = Response::of(proxied(out, "198.51.100.7")).await.is(303);
        let removal = cookies(&out).into_iter().find(|line| line.starts_with("__Host-castellan=;")).expect("the cookie is removed");
        assert!(removal.contains("; Secure") && removal.contains("Max-Age=0"), "{removal}");
        page(pair).await.is(303);
    }

    async fn m_14_admin_rights_depend_on_the_address_from_a_trusted_proxy(program) {
        behind_a_proxy(program).await;
        let response = sign_in(program, "203.0.113.9").await;
        let cookie = cookies(&response).into_iter().find(|line| line.starts_with("__Host-castellan=")).unwrap();
        let cookie = cookie.split(';').next().unwrap();
        let people = async |client: &reqwest::Client, from: &str| {
            let request = client.get(format!("{}/people", program.origin)).header("cookie", cookie);
            Response::of(proxied(request, from)).await.status
        };
        let (proxy, stranger) = (client(1), client(9));
        assert_eq!(people(&proxy, "203.0.113.9").await, 200);
        assert_eq!(people(&proxy, "198.51.100.7").await, 404, "another address");
        assert_eq!(people(&proxy, "203.0.113.9, 198.51.100.7").await, 404, "only the last untrusted hop counts");
        assert_eq!(people(&proxy, "198.51.100.7, 203.0.113.9").await, 200);
        assert_eq!(people(&proxy, "203.0.113.9, 127.0.0.1").await, 200, "two trusted proxies, one behind the other");
        assert_eq!(people(&proxy, "nonsense").await, 404);
        assert_eq!(people(&stranger, "203.0.113.9").await, 404, "the client is not a trusted proxy");
    }
}
