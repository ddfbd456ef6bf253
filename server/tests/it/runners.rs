//! Runners against the real port: enrollment, dispatch, fencing, revocation.

mod dispatch;
mod enrollment;
mod fencing;
mod fixture;
mod renewal;
