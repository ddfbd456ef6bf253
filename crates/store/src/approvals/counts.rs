//! Approval request counts by state, bounded so that their cost does not grow with the queue.
use super::{ApprovalFilter, visible};
use crate::{
    Counts, Read, Result,
    counts::MAX_COUNT_PER_STATE,
    db::filter::{Arg, Statement},
};
use domain::approval::ApprovalState;

/// Counts how many of the newest approval requests of a state were scanned, and how many of these the actor sees, in one
/// organization or all.
macro_rules! visible_count {
    ($before:literal, $state:literal, $organization:literal) => {
        concat!(
            $before,
            "select cast(",
            $state,
            " as text) as state, count(*) as looked, count(*) filter (where ",
            visible!(),
            ") as n from (select a.requester_id, a.organization_id from approval a where a.tenant_id = $1 and a.state = ",
            $state,
            $organization,
            " order by a.id desc limit $4) a"
        )
    };
}

impl Read {
    /// Returns the number of approval requests in each state, ignoring the filter's own state.
    pub async fn approval_counts(&mut self, filter: &ApprovalFilter) -> Result<Counts<ApprovalState>> {
        let counts = Counts::none(ApprovalState::ALL.iter().copied());
        let organization = match (self.actor.only, filter.organization) {
            (Some(only), Some(other)) if only != other => return Ok(counts),
            (only, filter) => filter.or(only),
        };
        let everything = Arg::Bool(self.actor.can_read_everything());
        let mut args =
            vec![Arg::Uuid(self.tenant.0), Arg::Uuid(self.viewer().0), everything, Arg::Int(MAX_COUNT_PER_STATE)];
        args.extend(organization.map(|organization| Arg::Uuid(organization.0)));
        let mut states = ApprovalState::ALL.iter().map(|state| Arg::Text(state.to_string()));
        args.extend(states.next());
        let (first, other) = match organization {
            None => (visible_count!("", "$5", ""), visible_count!(" union all ", "?", "")),
            Some(_) => (
                visible_count!("", "$6", " and a.organization_id = $5"),
                visible_count!(" union all ", "?", " and a.organization_id = $5"),
            ),
        };
        let mut statement = Statement::new(first, args);
        states.for_each(|state| statement.push(other, state));
        counts.note(statement, &mut self.conn).await
    }
}
