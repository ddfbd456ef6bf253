//! The front door seen from the street: slow, many, garbled and foreign clients against a real listener.

mod answers;
mod house;
mod patience;
mod runner_port;
