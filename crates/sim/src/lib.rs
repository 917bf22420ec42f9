//! Drives Dialtone's state machines without a network, a browser or a clock.
//!
//! [`switchboard::Switchboard`] is an exchange with a clock that only moves when it is told to,
//! and with clients' sockets as plain queues; [`keep::Keep`] is its store. [`client::Client`] is a client as
//! `docs/protocol.md` describes it, small enough to be obviously right; [`world::World`] lets
//! many of them live through losses, repeats and restarts from a seed. A seed that fails is
//! printed and fails again.

#![forbid(unsafe_code)]

pub mod client;
pub mod fuzzing;
pub mod keep;
pub mod switchboard;
pub mod world;
