//! Runner protocol tests over the real port: enrollment, dispatch, fencing, renewal.

mod dispatch;
mod enrollment;
mod fencing;
mod fixture;
mod receipts;
mod renewal;
mod silence;
mod witness;
