//! Request context of pages and server functions.
use super::{Address, Params};
use crate::outcome::{Answered, Kind, Refusal};
use auth::SignIn;
use domain::{Actor, Timestamp, policy::DenialReason};
use leptos::prelude::*;
use std::{str::FromStr, sync::Arc};
use store::{EventPosition, Store};

/// Returns the store.
///
/// # Errors
/// Fails only if the server was built without one.
pub fn store() -> Result<Store, Refusal> {
    use_context::<Store>().ok_or_else(|| Refusal::new(Kind::Unavailable, t!("refused-unavailable")))
}

/// Returns the actor.
///
/// # Errors
/// Fails with [`Kind::SignedOut`] without a signed-in person.
pub fn actor() -> Result<Actor, Refusal> {
    let actor = use_context::<Option<Actor>>().flatten();
    actor.ok_or_else(|| Refusal::new(Kind::SignedOut, t!("refused-signed-out")))
}

/// Refuses everyone but admins.
///
/// # Errors
/// Fails with [`Kind::Forbidden`] for everyone else.
pub fn admins_only(actor: &Actor) -> Result<(), Refusal> {
    match actor.is_admin() {
        true => Ok(()),
        false => Err(DenialReason::AdminOnly.into()),
    }
}

/// Returns the sign-in service of this request.
///
/// # Errors
/// Fails only if the server was built without one.
pub fn sign_in() -> Result<Arc<SignIn>, Refusal> {
    use_context::<Arc<SignIn>>().ok_or_else(|| Refusal::new(Kind::Unavailable, t!("refused-unavailable")))
}

/// Returns the result of the submitted form, if the page is rendered in reply to one.
pub fn answered() -> Option<Answered> {
    use_context::<Option<Answered>>().flatten()
}

/// Returns the time of the response, by the store's clock.
pub fn now() -> Timestamp {
    use_context::<Store>().map_or(Timestamp(0), |store| store.now())
}

/// Returns the position in the event stream from which the page may be outdated; empty if the server was built without a store.
pub fn since() -> String {
    use_context::<EventPosition>().map(|mark| mark.to_string()).unwrap_or_default()
}

/// Returns the address of the current page.
pub fn here() -> Address {
    use_context().unwrap_or_default()
}

/// Parses an id from a form.
///
/// # Errors
/// Fails with [`Kind::NotFound`] if it is malformed: such an id belongs to nothing.
pub fn id<T: FromStr>(text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| Refusal::new(Kind::NotFound, t!("refused-not-found")))
}

/// Parses a path parameter.
///
/// # Errors
/// Fails with [`Kind::NotFound`] if it is malformed: such a page does not exist.
pub fn param<T: FromStr>(name: &str) -> Result<T, Refusal> {
    id(use_context::<Params>().unwrap_or_default().get(name))
}
