//! Two server nodes on one PostgreSQL database (D-12, A-04): any node serves any request, changes reach the other node,
//! and either node may stop.
mod consistency;
mod crashes;
mod emergency;
mod keys;
mod propagation;

use crate::{people::Person, program::Program};

/// Two nodes and three people.
struct Nodes {
    one: Program,
    two: Program,
    adam: Person,
    mia: Person,
    ada: Person,
}

impl Nodes {
    /// Starts both nodes, each with its own runner.
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
