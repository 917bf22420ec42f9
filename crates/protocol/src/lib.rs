//! The contract between Dialtone and everything that talks to it.
//!
//! This crate holds what both sides of a connection must agree on and nothing that decides:
//! the messages of the WebSocket ([`message`]), the ids they carry ([`id`]), the limits both
//! sides keep ([`limits`]), and how relay credentials are derived ([`relay`]). The types of the
//! web app and the tables of `docs/protocol.md` are generated from here.

#![forbid(unsafe_code)]

pub mod relay;
pub mod time;
