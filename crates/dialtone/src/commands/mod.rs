//! The command line.

mod accounts;
mod backup;
mod bench;
mod dev;
mod doctor;
mod https;
mod state;
mod turn;

use std::io::IsTerminal as _;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Everything a voice or video call needs, in one binary.
#[derive(Debug, Parser)]
#[command(version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    // What each is for stands with its arguments, which clap shows.
    Dev(dev::Arguments),
    Turn(turn::Arguments),
    Doctor(doctor::Arguments),
    Backup(backup::Arguments),
    Restore(backup::RestoreArguments),
    Bench(bench::Arguments),
    User(accounts::UserArguments),
    Invite(accounts::InviteArguments),
}

/// Does what the command line says, until it is done.
pub fn run() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    // A relay is an operator's, who wants to know what it does; a person who tries Dialtone does not.
    // What strangers send as passkeys is refused, and fills no log.
    let level = match &arguments.command {
        Command::Turn(_) => "warn,dialtone=info",
        _ => "warn,webauthn_rs=off,webauthn_rs_core=off",
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(
            EnvFilter::try_from_env("DIALTONE_LOG").unwrap_or_else(|_| EnvFilter::new(level)),
        )
        .init();
    match arguments.command {
        Command::Dev(arguments) => dev::run(arguments),
        Command::Turn(arguments) => turn::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Backup(arguments) => backup::run(arguments),
        Command::Restore(arguments) => backup::restore(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::User(arguments) => accounts::user(arguments),
        Command::Invite(arguments) => accounts::invite(arguments),
    }
}
