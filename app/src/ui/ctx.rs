//! What pages and server functions find in the context of a request.
use super::{Address, Params};
use crate::outcome::{Answered, Kind, Refusal};
use auth::SignIn;
use domain::{Actor, Timestamp};
use leptos::prelude::*;
use std::{str::FromStr, sync::Arc};
use store::{Mark, Store};

/// The store.
///
/// # Errors
/// Only where the server was put together without one.
pub fn store() -> Result<Store, Refusal> {
    use_context::<Store>().ok_or_else(|| Refusal::new(Kind::Unavailable, t!("refused-unavailable")))
}

/// Who asks.
///
/// # Errors
/// [`Kind::SignedOut`] when nobody is signed in.
pub fn actor() -> Result<Actor, Refusal> {
    let actor = use_context::<Option<Actor>>().flatten();
    actor.ok_or_else(|| Refusal::new(Kind::SignedOut, t!("refused-signed-out")))
}

/// What is only for admins ends here for others.
///
/// # Errors
/// [`Kind::Forbidden`] for them.
pub fn admins_only(actor: &Actor) -> Result<(), Refusal> {
    match actor.is_admin() {
        true => Ok(()),
        false => Err(Refusal::new(Kind::Forbidden, t!("admins-only"))),
    }
}

/// The sign-in service of this request.
///
/// # Errors
/// Only where the server was put together without one.
pub fn sign_in() -> Result<Arc<SignIn>, Refusal> {
    use_context::<Arc<SignIn>>().ok_or_else(|| Refusal::new(Kind::Unavailable, t!("refused-unavailable")))
}

/// What the form that was just sent came to, when the page is rendered in reply to one.
pub fn answered() -> Option<Answered> {
    use_context::<Option<Answered>>().flatten()
}

/// The time of this answer, by the store's clock.
pub fn now() -> Timestamp {
    use_context::<Store>().map_or(Timestamp(0), |store| store.now())
}

/// The moment from which on the page may not show what happens; empty only where the server was put together without a store.
pub fn since() -> String {
    use_context::<Mark>().map(|mark| mark.to_string()).unwrap_or_default()
}

/// The address of the page that is shown.
pub fn here() -> Address {
    use_context().unwrap_or_default()
}

/// An id out of a form.
///
/// # Errors
/// [`Kind::NotFound`] when it is something else: what cannot be an id belongs to nothing.
pub fn id<T: FromStr>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| Refusal::new(Kind::NotFound, t!("refused-not-found")))
}

/// A part of the path, read as what it must be.
///
/// # Errors
/// [`Kind::NotFound`] when it is something else: an address that cannot be is a page that does not exist.
pub fn param<T: FromStr>(name: &str) -> Result<T, Refusal> {
    id(use_context::<Params>().unwrap_or_default().get(name))
}
