//! Tenant isolation matrix (M-11): every route with eight callers. Resources of another tenant are indistinguishable
//! from ones that do not exist.
mod comparison;
mod credentials;
mod fixture;
mod methods;
mod partial_session;
mod requests;
mod table;

use crate::program::{Program, on_both};
use fixture::Fixture;
use std::collections::BTreeSet;
use table::WALLS;

/// Returns the routes of `castellan dev routes --json`, each as `kind METHOD path`.
fn routes(program: &Program) -> BTreeSet<String> {
    let list: serde_json::Value = serde_json::from_str(&program.cli(&["dev", "routes", "--json"], "")).unwrap();
    let word = |route: &serde_json::Value, name: &str| route[name].as_str().unwrap().to_owned();
    let line = |route| format!("{} {} {}", word(route, "kind"), word(route, "method"), word(route, "path"));
    list.as_array().unwrap().iter().map(line).collect()
}

/// M-11: a new route needs a row in the table.
#[test]
fn m_11_every_route_has_a_row_and_every_row_a_route() {
    let routes = routes(&Program::sqlite());
    let rows: BTreeSet<_> = WALLS.iter().map(|row| row.route.to_owned()).collect();
    assert_eq!(routes.difference(&rows).collect::<Vec<_>>(), Vec::<&String>::new(), "routes without a row");
    assert_eq!(rows.difference(&routes).collect::<Vec<_>>(), Vec::<&String>::new(), "rows without a route");
}

on_both! {
    /// M-11: every row with every caller; a plain form gets the same status as an island.
    async fn m_11_every_caller_gets_the_status_of_the_table(program) {
        let fixture = Fixture::create(program).await;
        let mut wrong = vec![];
        for row in WALLS {
            wrong.extend(fixture.check(program, row).await);
        }
        assert_eq!(wrong, Vec::<String>::new(), "{} responses differ from the table:\n{}", wrong.len(), wrong.join("\n"));
    }

    /// M-11: a resource of another tenant and one that does not exist get identical responses.
    async fn m_11_resources_of_another_tenant_get_the_response_of_missing_ones(program) {
        let fixture = Fixture::create(program).await;
        for row in WALLS {
            fixture.assert_indistinguishable(program, row).await;
        }
    }
}
