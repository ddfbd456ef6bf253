//! Runners against the real port: enrolment, dispatch, fencing, revocation.

mod dispatch;
mod enrolment;
mod fencing;
mod house;
mod renewal;
