//! What pages ask of the server beside the store: signing in and out. `server/src/auth` is the one that does it.
use crate::outcome::Refusal;
use domain::SessionId;
use std::{future::Future, pin::Pin, sync::Arc};

/// An answer that takes a while.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Refusal>> + Send + 'a>>;

/// The door of one request: knows its session and where it came from. In the context of every page and server function.
pub trait Door: Send + Sync {
    /// Opens a session, or says no: the same words and the same time for an unknown address and a wrong password.
    fn sign_in(&self, email: String, password: String) -> Answer<'_, ()>;
    /// Ends this session for good.
    fn sign_out(&self) -> Answer<'_, ()>;
    /// Makes the first tenant, organisation and admin, and signs them in. `token` is the set-up link's.
    fn set_up(&self, token: String, new: FirstAdmin) -> Answer<'_, ()>;
    /// Sets the password that a one-time link is for, and signs that person in.
    fn set_password(&self, token: String, password: String) -> Answer<'_, ()>;
    /// The name and address of the person whom a one-time link is for, or why it opens nothing.
    fn link_holder(&self, token: String) -> Answer<'_, String>;
    /// Whether the set-up link with this token still opens anything.
    fn may_set_up(&self, token: String) -> Answer<'_, ()>;
    /// This session, if one is open.
    fn session(&self) -> Option<SessionId>;
}

/// [`Door`] as pages find it in their context.
pub type TheDoor = Arc<dyn Door>;

/// What the set-up page asks for.
#[derive(Clone)]
pub struct FirstAdmin {
    /// What the company is called.
    pub tenant: String,
    /// What the first organisation is called.
    pub organisation: String,
    /// The admin's name.
    pub name: String,
    /// The admin's address.
    pub email: String,
    /// The admin's password; `Debug` leaves it out.
    pub password: String,
}

impl std::fmt::Debug for FirstAdmin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstAdmin").field("email", &self.email).finish_non_exhaustive()
    }
}
