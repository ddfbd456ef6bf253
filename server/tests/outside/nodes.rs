//! Two servers on one PostgreSQL are one deployment (D-12, A-04): any of them answers any request, what happens at one is
//! known at the other, and either may go at any moment.
mod consistency;
mod crashes;
mod emergency;
mod keys;
mod propagation;

use crate::{people::Person, program::Program};

/// Two nodes and some people.
struct Nodes {
    one: Program,
    two: Program,
    adam: Person,
    mia: Person,
    ada: Person,
}

impl Nodes {
    /// Both run, each with a runner of its own.
    async fn begin() -> Self {
        let mut one = Program::postgres();
        one.tenant("acme");
        let (adam, mia, ada) = (
            one.person("adam", "acme", "admin"),
            one.person("mia", "acme", "member"),
            one.person("ada", "acme", "approver"),
        );
        one.use_fixed_ports();
        one.start().await;
        let mut two = Program::second_node(&one);
        two.use_fixed_ports();
        two.start().await;
        Self { one, two, adam, mia, ada }
    }
}
