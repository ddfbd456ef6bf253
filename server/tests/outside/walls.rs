//! Every route against everybody, from outside (M-11): one table says what each of eight people is answered, and who is
//! of another tenant is answered as if there were nothing.
mod requests;
mod credentials;
mod partial_session;
mod fixture;
mod methods;
mod comparison;
mod table;

use std::collections::BTreeSet;

use crate::program::{Program, on_both};
use fixture::Fixture;
use table::WALLS;

/// What `castellan dev routes --json` lists, each as `kind METHOD path`.
fn routes(program: &Program) -> BTreeSet<String> {
    let list: serde_json::Value = serde_json::from_str(&program.cli(&["dev", "routes", "--json"], "")).unwrap();
    let word = |route: &serde_json::Value, name: &str| route[name].as_str().unwrap().to_owned();
    let line = |route| format!("{} {} {}", word(route, "kind"), word(route, "method"), word(route, "path"));
    list.as_array().unwrap().iter().map(line).collect()
}

/// M-11: whoever adds a route says here what everybody is answered.
#[test]
fn m_11_every_route_has_a_row_and_every_row_a_route() {
    let routes = routes(&Program::sqlite());
    let rows: BTreeSet<_> = WALLS.iter().map(|row| row.route.to_owned()).collect();
    assert_eq!(routes.difference(&rows).collect::<Vec<_>>(), Vec::<&String>::new(), "routes without a row");
    assert_eq!(rows.difference(&routes).collect::<Vec<_>>(), Vec::<&String>::new(), "rows without a route");
}

on_both! {
    /// M-11: the table, row by row and person by person; a page that a form is answered with has the same status.
    async fn m_11_everybody_is_answered_what_the_table_says(program) {
        let fixture = Fixture::create(program).await;
        let mut wrong = vec![];
        for row in WALLS {
            wrong.extend(fixture.check(program, row).await);
        }
        assert_eq!(wrong, Vec::<String>::new(), "{} answers are not those of the table:\n{}", wrong.len(), wrong.join("\n"));
    }

    /// M-11: a thing of another tenant and a thing that does not exist are answered with the same bytes.
    async fn m_11_what_is_anothers_is_answered_as_what_does_not_exist(program) {
        let fixture = Fixture::create(program).await;
        for row in WALLS {
            fixture.assert_indistinguishable(program, row).await;
        }
    }
}
