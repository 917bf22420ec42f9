//! The contract between Dialtone and everything that talks to it.
//!
//! This crate holds what both sides of a connection must agree on and nothing that decides:
//! the messages of the WebSocket ([`message`]), how they are framed ([`frame`]), the ids they
//! carry ([`id`]), the limits both sides keep ([`limits`]), the codes a socket is closed with
//! ([`close`]), and how relay credentials are derived ([`relay`]). The types of the web app and
//! the tables of `docs/protocol.md` are generated from here ([`generate`]).

#![forbid(unsafe_code)]

pub mod close;
pub mod frame;
pub mod generate;
pub mod id;
pub mod limits;
pub mod message;
pub mod relay;
pub mod text;
pub mod time;

/// The WebSocket subprotocol (RFC 6455, section 1.9).
pub const SUBPROTOCOL: &str = "dialtone.v1";
