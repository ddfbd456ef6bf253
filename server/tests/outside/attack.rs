//! What somebody tries who wants in, wants more than they may, or wants others to do it for them.
mod accounts;
mod approving;
mod emergency;
mod enrolling;
mod invitations;
mod lengths;
mod links;
mod origins;
mod output;
mod passwords;
mod repeating;
mod runner_port;
mod sessions;
mod starting;
mod streams;
