//! Choices of organizations and submitters for conditions and the simulator.
use crate::{outcome::Refusal, ui::Choice};
use domain::{Actor, rule::Rules};
use store::{Read, RuleNames};

/// The maximum number of people in a choice.
const MAX_PEOPLE: u32 = 200;

/// The organizations and submitters that an actor can choose.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    pub organizations: Vec<Choice>,
    /// People and service accounts.
    pub submitters: Vec<Choice>,
}

impl Choices {
    /// Reads the organizations and submitters that the actor sees, and those that the rules name.
    pub async fn read(read: &mut Read, actor: &Actor, rules: &[&Rules]) -> Result<(Self, RuleNames), Refusal> {
        let names = read.rule_names(rules).await?;
        let mut organizations: Vec<_> =
            read.organizations().await?.into_iter().map(|row| Choice::new(row.id.to_string(), row.name)).collect();
        let mut submitters: Vec<_> = match actor.can_read_everything() {
            true => {
                let people = read.people("", MAX_PEOPLE).await?.into_iter();
                let accounts = read.service_accounts().await?.into_iter();
                let people = people.map(|row| Choice::new(row.id.to_string(), format!("{} ({})", row.name, row.email)));
                people.chain(accounts.map(|row| Choice::new(row.id.to_string(), row.name))).collect()
            }
            false => actor.person().map(|id| Choice::new(id.to_string(), actor.name.clone())).into_iter().collect(),
        };
        let of = names.organizations.iter().map(|(id, name)| Choice::new(id.to_string(), name.clone()));
        add_missing(&mut organizations, of);
        let by = names.submitters.iter().map(|(id, name)| Choice::new(id.to_string(), name.clone()));
        add_missing(&mut submitters, by);
        Ok((Self { organizations, submitters }, names))
    }
}

/// Adds the choices of rules that are not in a bounded list.
fn add_missing(choices: &mut Vec<Choice>, more: impl Iterator<Item = Choice>) {
    let missing: Vec<_> = more.filter(|choice| choices.iter().all(|known| known.value != choice.value)).collect();
    choices.extend(missing);
}
