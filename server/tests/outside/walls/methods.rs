//! Routes with methods that they do not have.
use super::{fixture::Fixture, routes};
use crate::program::Program;
use reqwest::Method;
use std::collections::{BTreeMap, BTreeSet};

/// The methods with side effects, and GET.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// M-11: no route has an unlisted method.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m_11_a_path_accepts_only_its_listed_methods() {
    let mut program = Program::sqlite();
    let fixture = Fixture::create(&mut program).await;
    let mut listed = BTreeMap::<String, BTreeSet<String>>::new();
    for route in routes(&program) {
        let [_, method, path] = route.split(' ').collect::<Vec<_>>().try_into().unwrap();
        listed.entry(path.to_owned()).or_default().insert(method.to_owned());
    }
    let admin = fixture.caller("admin");
    for (path, has) in listed {
        let path = path
            .replace("{id}", &fixture.resources["org"])
            .replace("{person}", &fixture.resources["mia"])
            .replace("{seq}", "1")
            .replace("{*file}", "x.css");
        let who = if path.starts_with("/api/") { admin.with_key() } else { admin.in_browser() };
        for method in METHODS.into_iter().filter(|method| !has.contains(*method)) {
            let request = program.request(who, method.parse::<Method>().unwrap(), &path);
            let response = program.send(who, request.header("origin", program.origin.clone())).await;
            // Runner routes do not exist on this port.
            let expected: &[u16] = if path.contains("castellan.runner") && method == "GET" { &[404] } else { &[405] };
            assert!(expected.contains(&response.status), "{method} {path}: {response}");
        }
    }
}
