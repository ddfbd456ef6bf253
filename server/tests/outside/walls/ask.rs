//! One row of the table: every guest asks, and is answered as it says.
use reqwest::{Method, RequestBuilder};

use super::{
    house::{Guest, House},
    table::Row,
};
use crate::{
    ask::{Answer, Who, form},
    program::Program,
};

/// What is said of an action's page, so that its refusal can be shown on one.
pub const PAGE: &str = "/rules";

impl Row {
    pub fn kind(&self) -> &'static str {
        self.route.split(' ').next().unwrap()
    }

    pub fn method(&self) -> Method {
        self.route.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Whether its answer never ends.
    fn is_endless(&self) -> bool {
        self.at.starts_with("/live")
    }

    /// The request of a guest. The API takes keys, everything else is for browsers.
    pub fn request(&self, program: &Program, guest: &Guest, at: &str, body: &str, accept: &str) -> RequestBuilder {
        let who = self.credential(guest);
        match self.kind() {
            "action" => {
                let fields: Vec<_> = body.split('&').filter_map(|field| field.split_once('=')).collect();
                let action = at.strip_prefix("/actions/").unwrap();
                program.action(who, action, accept, &form(&[fields.as_slice(), &[("_page", PAGE)]].concat()))
            }
            _ => {
                let request = program.request(who, self.method(), at);
                if body.is_empty() {
                    request
                } else {
                    request.header("content-type", "application/json").body(body.to_owned())
                }
            }
        }
    }

    pub fn credential<'a>(&self, guest: &'a Guest) -> Who<'a> {
        match self.kind() {
            "api" | "enrollment" => guest.with_key(),
            _ => guest.in_browser(),
        }
    }

    /// Sends it from the guest's own machine; of an answer without an end only the head is read.
    pub async fn send(&self, program: &Program, guest: &Guest, request: RequestBuilder) -> Answer {
        let request = RequestBuilder::from_parts(guest.client.clone(), request.build().unwrap());
        if self.is_endless() {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            return Answer { status, headers, body: String::new() };
        }
        program.send(self.credential(guest), request).await
    }
}

impl House {
    /// What is not as the table says.
    pub async fn check(&self, program: &Program, row: &Row) -> Vec<String> {
        let mut wrong = vec![];
        for (guest, expected) in self.guests.iter().zip(row.answers) {
            let (at, body) = (self.fill(row.at, guest.name, |_| None), self.fill(row.body, guest.name, |_| None));
            let request = row.request(program, guest, &at, &body, "application/json");
            let answer = row.send(program, guest, request).await;
            if answer.status != expected {
                wrong.push(format!(
                    "{} {} {}: {} asked and was answered {answer}",
                    row.route, row.at, row.body, guest.name
                ));
            }
            if !is_of_the_house(guest) && tells(&answer, &[&at, &body]) {
                wrong.push(format!("{} tells {} of the house: {answer}", row.at, guest.name));
            }
            // What was refused to an island is refused to a plain form as well, on a page with the same status.
            if row.kind() == "action" && expected >= 400 && !row.at.contains("sign-in") {
                let request = row.request(program, guest, &at, &body, "text/html");
                let page = row.send(program, guest, request).await;
                // What nobody typed waits on a page until they are signed in; what is refused for another reason leads there.
                let shown = if guest.name == "nobody" && expected != 401 { 303 } else { expected };
                if page.status != shown || !is_of_the_house(guest) && tells(&page, &[&at, &body]) {
                    wrong.push(format!("{} as a form: {} was answered {page}", row.at, guest.name));
                }
            }
        }
        wrong
    }
}

fn is_of_the_house(guest: &Guest) -> bool {
    !matches!(guest.name, "nobody" | "another")
}

/// Whether an answer says something of the first tenant that was not in the question.
fn tells(answer: &Answer, asked: &[&str]) -> bool {
    let mut body = answer.body.to_lowercase();
    for asked in asked {
        for said in asked.split(['/', '?', '&', '=', '"']).filter(|said| said.contains("acme")) {
            body = body.replace(said, "");
        }
    }
    body.contains("acme")
}
