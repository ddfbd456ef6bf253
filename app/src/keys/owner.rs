//! The owner of an API key: a person, or a service account with a responsible person.
use crate::{
    outcome::{Kind, Refusal},
    ui::ctx,
};
use auth::token::{KEY_PREFIX, Token};
use domain::{Actor, Invalid, PersonId};
use store::Store;

/// A key owner, as the policy needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyOwner {
    pub(super) owner: PersonId,
    /// The responsible person, if the owner is a service account.
    pub(super) responsible: Option<PersonId>,
}

impl KeyOwner {
    /// Returns the owner chosen in a form; an empty choice is the actor.
    pub(super) async fn chosen(actor: &Actor, store: &Store, text: &str) -> Result<Self, Refusal> {
        let person = actor.person().ok_or_else(|| Refusal::new(Kind::Forbidden, t!("key-person-only")))?;
        if text.is_empty() {
            return Ok(Self { owner: person, responsible: None });
        }
        Self::of(actor, store, text).await.map_err(|_| Invalid::new("owner", t!("key-owner-unknown")).into())
    }

    /// Returns the owner with this id: a service account that the actor can see, or a person.
    pub(super) async fn of(actor: &Actor, store: &Store, text: &str) -> Result<Self, Refusal> {
        let owner: PersonId = ctx::id(text)?;
        let mut read = store.read(actor).await?;
        let accounts = read.service_accounts().await?;
        if let Some(account) = accounts.iter().find(|account| account.id == owner) {
            return Ok(Self { owner, responsible: Some(account.responsible_id) });
        }
        let person = read.person(owner).await?;
        Ok(Self { owner: person.id, responsible: None })
    }
}

/// Returns whether the actor may create keys for a service account with this responsible person.
pub(super) fn may_create_keys_for(actor: &Actor, responsible: PersonId) -> bool {
    actor.is_admin() || actor.person() == Some(responsible)
}

pub(super) fn new_token() -> Result<Token, auth::Error> {
    Token::new(KEY_PREFIX)
}
