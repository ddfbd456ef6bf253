//! Whose key it is: one's own, or that of a service account that one answers for.
use crate::{
    outcome::{Kind, Refusal},
    ui::ctx,
};
use auth::token::{KEY_PREFIX, Token};
use domain::{Actor, Invalid, PersonId};
use store::Store;

/// An owner of keys, as the policy asks for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyOwner {
    pub(super) owner: PersonId,
    /// Who answers for the owner, if that is a service account.
    pub(super) responsible: Option<PersonId>,
}

impl KeyOwner {
    /// The one whose id was chosen in a form; oneself, where none was.
    pub(super) async fn chosen(actor: &Actor, store: &Store, text: &str) -> Result<Self, Refusal> {
        let oneself = actor.person().ok_or_else(|| Refusal::new(Kind::Forbidden, t!("key-person-only")))?;
        if text.is_empty() {
            return Ok(Self { owner: oneself, responsible: None });
        }
        Self::of(actor, store, text).await.map_err(|_| Invalid::new("owner", t!("key-owner-unknown")).into())
    }

    /// The one with this id: a service account that the actor sees, or a person.
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

/// Whether the actor makes keys for a service account that `responsible` answers for: who only sees it makes none.
pub(super) fn makes_keys_for(actor: &Actor, responsible: PersonId) -> bool {
    actor.is_admin() || actor.person() == Some(responsible)
}

/// A new key.
pub(super) fn new_token() -> Result<Token, auth::Error> {
    Token::new(KEY_PREFIX)
}
