//! Requests of one table row by every caller.
use super::{
    fixture::{Caller, Fixture},
    table::Row,
};
use crate::{
    client::{Credential, Response, form},
    program::Program,
};
use reqwest::{Method, RequestBuilder};

/// The page on which a form's refusal is shown.
pub const PAGE: &str = "/rules";

impl Row {
    pub fn kind(&self) -> &'static str {
        self.route.split(' ').next().unwrap()
    }

    pub fn method(&self) -> Method {
        self.route.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Returns whether the response is an endless stream.
    fn is_endless(&self) -> bool {
        self.path.starts_with("/live")
    }

    /// Returns the caller's request, with a key for the API and a session elsewhere.
    pub fn request(&self, program: &Program, caller: &Caller, path: &str, body: &str, accept: &str) -> RequestBuilder {
        let who = self.credential(caller);
        match self.kind() {
            "action" => {
                let fields: Vec<_> = body.split('&').filter_map(|field| field.split_once('=')).collect();
                let action = path.strip_prefix("/actions/").unwrap();
                program.action(who, action, accept, &form(&[fields.as_slice(), &[("_page", PAGE)]].concat()))
            }
            _ => {
                let request = program.request(who, self.method(), path);
                if body.is_empty() {
                    request
                } else {
                    request.header("content-type", "application/json").body(body.to_owned())
                }
            }
        }
    }

    pub fn credential<'a>(&self, caller: &'a Caller) -> Credential<'a> {
        match self.kind() {
            "api" | "enrollment" => caller.with_key(),
            _ => caller.in_browser(),
        }
    }

    /// Sends the request from the caller's address; of an endless stream only the headers are read.
    pub async fn send(&self, program: &Program, caller: &Caller, request: RequestBuilder) -> Response {
        let request = RequestBuilder::from_parts(caller.client.clone(), request.build().unwrap());
        if self.is_endless() {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            return Response { status, headers, body: String::new() };
        }
        program.send(self.credential(caller), request).await
    }
}

impl Fixture {
    /// Returns the deviations from the table.
    pub async fn check(&self, program: &Program, row: &Row) -> Vec<String> {
        let mut wrong = vec![];
        for (caller, expected) in self.callers.iter().zip(row.statuses.in_order()) {
            let (path, body) = (self.fill(row.path, caller.name, |_| None), self.fill(row.body, caller.name, |_| None));
            let request = row.request(program, caller, &path, &body, "application/json");
            let response = row.send(program, caller, request).await;
            if response.status != expected {
                wrong.push(format!("{} {} {}: {} got {response}", row.route, row.path, row.body, caller.name));
            }
            if !is_member(caller) && leaks_tenant(&response, &[&path, &body]) {
                wrong.push(format!("{} reveals the tenant to {}: {response}", row.path, caller.name));
            }
            // A plain form gets the same status as an island.
            if row.kind() == "action" && expected >= 400 && !row.path.contains("sign-in") {
                let request = row.request(program, caller, &path, &body, "text/html");
                let page = row.send(program, caller, request).await;
                // Forms of anonymous callers redirect to the sign-in page.
                let shown_status = if caller.name == "nobody" && expected != 401 { 303 } else { expected };
                if page.status != shown_status || !is_member(caller) && leaks_tenant(&page, &[&path, &body]) {
                    wrong.push(format!("{} as a form: {} got {page}", row.path, caller.name));
                }
            }
        }
        wrong
    }
}

fn is_member(caller: &Caller) -> bool {
    !matches!(caller.name, "nobody" | "outsider")
}

/// Returns whether a response reveals something of the first tenant that was not in the request.
fn leaks_tenant(response: &Response, requested: &[&str]) -> bool {
    let mut body = response.body.to_lowercase();
    for requested in requested {
        for message in requested.split(['/', '?', '&', '=', '"']).filter(|message| message.contains("acme")) {
            body = body.replace(message, "");
        }
    }
    body.contains("acme")
}
