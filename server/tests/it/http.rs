//! The front door seen from the street: slow, many, garbled and foreign clients against a real listener.

mod responses;
mod fixture;
mod timeouts;
mod runner_port;
