//! Two server nodes on one PostgreSQL database (D-12, A-04): any node serves any request, changes reach the other node,
//! and either node may stop.
mod consistency;
mod crashes;
mod emergency;
mod keys;
mod propagation;

use crate::{people::Person, program::Program};
use testkit::{ADA, ADAM, MIA};

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
        let (adam, mia, ada) = (one.person(ADAM, "acme"), one.person(MIA, "acme"), one.person(ADA, "acme"));
        one.use_fixed_ports();
        one.start().await;
        let mut two = Program::second_node(&one);
        two.use_fixed_ports();
        two.start().await;
        Self { one, two, adam, mia, ada }
    }
}
