//! Real browsers on real networks, against the built binary.
//!
//! ```text
//!   host ── router (nftables NAT) ──┐
//!                                   ├── bridge: "the internet" 203.0.113.0/24 ── server
//!   host ── router (nftables NAT) ──┘
//! ```
//!
//! Every host, router and the bridge is a network namespace of its own; nothing is set up in the
//! namespace the tests run in, so several labs can run side by side with the same addresses.
//!
//! * [`Net`] builds namespaces, links and NATs, and removes them when dropped.
//! * [`Server`] runs `dialtone dev` on a host and can kill and start it again.
//! * [`Browser`] is one Chromium or Firefox with a camera and a pure tone for a microphone.
//! * [`Person`] does in a browser what people do: open, join, chat, hang up; sign in, call, answer.
//! * [`Liar`] stands before a server, and passes on something else than was said.
//! * [`Link`] is a cable that loses, delays and holds back; [`quality`] is what is heard and seen over it.
//! * [`Matrix`] lets two people call each other on every pair of networks ([`access`]).
//! * [`mishap`] lets something happen to two people in a call, and says what it cost them.
//! * [`Authority`] certifies a server for browsers that trust it.
//! * [`bare`] connects two browsers without our server, to judge the networks alone.
//!
//! Everything here needs root (namespaces) except labs on [`Host::here`].
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod access;
mod authority;
pub mod bare;
pub mod bench;
mod browser;
mod host;
mod liar;
mod link;
mod matrix;
pub mod mishap;
mod nat;
mod net;
mod pages;
mod person;
pub mod plot;
mod process;
mod proxy;
pub mod quality;
mod scene;
mod server;
mod sound;
mod stun;
mod telephone;
mod topology;
mod wait;
mod wav;

pub use authority::Authority;
pub use browser::{Browser, BrowserOptions, Engine, InFrame, Tab};
pub use host::Host;
pub use liar::{Liar, Lie, Way};
pub use link::{Link, Shape};
pub use matrix::{Matrix, Outcome};
pub use nat::Nat;
pub use net::{Lan, Net};
pub use nix::sys::signal::Signal;
pub use pages::Pages;
pub use person::{Evidence, Person};
pub use process::Process;
pub use proxy::Proxy;
pub use scene::Scene;
pub use server::{Server, ServerOptions};
pub use sound::Heard;
pub use stun::binding;
pub use topology::{Topology, World};
pub use wait::{Patience, eventually, holds_for};
