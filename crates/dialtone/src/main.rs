//! Dialtone: everything a voice or video call needs, in one binary.
//!
//! This crate holds the drivers: everything that touches a socket, a clock, a file or randomness.
//! What decides is in the crates `exchange` and `turn`.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod accounts;
mod addresses;
mod bench;
mod certificates;
mod clock;
mod commands;
mod config;
mod coturn;
mod data;
mod doctor;
mod http;
mod hub;
mod lan;
mod net;
mod operator;
mod outgoing;
mod proof;
mod push;
mod reach;
mod store;
mod webhooks;

use std::process::ExitCode;

fn main() -> ExitCode {
    certificates::install_cryptography();
    match commands::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dialtone: {error:#}");
            ExitCode::FAILURE
        }
    }
}
