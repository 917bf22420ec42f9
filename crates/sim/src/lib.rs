//! Drives Dialtone's state machines without a network, a browser or a clock.
//!
//! [`stage::Stage`] is a world as a value: an exchange, its store, clients, and what is between them.
//! [`explore`] tries every order of events in a small one, [`world`] draws large ones from a seed, and
//! [`rules`] says what has to hold in both.
//!
//! [`switchboard::Switchboard`] is an exchange with a clock that only moves when it is told to,
//! and with clients' sockets as plain queues; [`keep::Keep`] is its store. [`client::Client`] is a client as
//! `docs/protocol.md` describes it, small enough to be obviously right; [`world::run`] lets
//! many of them live through losses, repeats and restarts from a seed, and [`tally`] counts what
//! happened to them. A seed that fails is printed and fails again.

#![forbid(unsafe_code)]

pub mod blocked;
pub mod client;
pub mod explore;
pub mod fingerprint;
pub mod fuzzing;
pub mod keep;
pub mod node;
pub mod rules;
pub mod scenarios;
pub mod stage;
pub mod switchboard;
pub mod tally;
pub mod world;
