//! Measurements that anyone can repeat.

use crate::{
    release_binary,
    shell::{cargo, run},
    tools,
};

/// `cargo xtask bench WHAT [ARGS…]`.
pub fn main(arguments: &[String]) -> Result<(), String> {
    match arguments.split_first() {
        Some((what, rest)) if what == "mishaps" => mishaps(rest),
        Some((what, rest)) if what == "networks" => networks(rest),
        Some((what, rest)) if what == "quality" => quality(rest),
        Some((what, rest)) if what == "setup" => setup(rest),
        Some((what, rest)) if what == "signaling" => signaling(rest),
        Some((what, rest)) if what == "turn" => turn(rest),
        _ => Err(
            "what shall be measured? `cargo xtask bench mishaps`, `networks`, `quality`, `setup`, \
             `signaling` or `turn`"
                .into(),
        ),
    }
}

/// What it costs two people when something happens to their networks, devices and servers.
fn mishaps(arguments: &[String]) -> Result<(), String> {
    tools::provide(&[tools::CHROMIUM, tools::CHROMEDRIVER, tools::IP, tools::NFT])?;
    let binary = release_binary()?;
    run(cargo()
        .args(["run", "--quiet", "--package", "lab"])
        .args(["--bin", "bench-mishaps", "--"])
        .args(arguments)
        .env("DIALTONE_BIN", binary))
}

/// Two people on every pair of networks: whether they connect, by which path, and how fast.
fn networks(arguments: &[String]) -> Result<(), String> {
    tools::provide(&[tools::CHROMIUM, tools::CHROMEDRIVER, tools::CERTUTIL])?;
    tools::provide(&[tools::FIREFOX, tools::PULSEAUDIO])?;
    tools::provide(&[tools::IP, tools::NFT])?;
    let binary = release_binary()?;
    run(cargo()
        .args(["run", "--quiet", "--package", "lab"])
        .args(["--bin", "bench-networks", "--"])
        .args(arguments)
        .env("DIALTONE_BIN", binary))
}

/// What is heard and seen over bad networks, beside the same browsers on a bare page.
fn quality(arguments: &[String]) -> Result<(), String> {
    tools::provide(&[tools::CHROMIUM, tools::CHROMEDRIVER, tools::IP, tools::NFT])?;
    tools::provide(&[tools::ESPEAK, tools::PIP, tools::CXX, tools::PYTHON_HEADERS])?;
    tools::provide_speech_score()?;
    let binary = release_binary()?;
    run(cargo()
        .args(["run", "--quiet", "--package", "lab"])
        .args(["--bin", "bench-quality", "--"])
        .args(arguments)
        .env("DIALTONE_BIN", binary))
}

/// From the second person's click on "Join" to the first picture, beside what the browser needs.
fn setup(arguments: &[String]) -> Result<(), String> {
    tools::provide(&[tools::CHROMIUM, tools::CHROMEDRIVER])?;
    let binary = release_binary()?;
    run(cargo()
        .args([
            "run",
            "--release",
            "--package",
            "lab",
            "--bin",
            "bench-setup",
            "--",
        ])
        .args(arguments)
        .env("DIALTONE_BIN", binary))
}

/// What a connection and a call cost, and what becomes of all in a storm.
fn signaling(arguments: &[String]) -> Result<(), String> {
    let binary = release_binary()?;
    run(cargo()
        .args(["run", "--quiet", "--package", "lab"])
        .args(["--bin", "bench-signaling", "--"])
        .args(arguments)
        .env("DIALTONE_BIN", binary))
}

/// What a relayed packet and an allocation cost, beside coturn and a bare forwarder.
fn turn(arguments: &[String]) -> Result<(), String> {
    tools::provide(&[tools::COTURN])?;
    let binary = release_binary()?;
    run(cargo()
        .args(["run", "--quiet", "--package", "lab", "--bin", "bench-turn"])
        .arg("--")
        .args(arguments)
        .env("DIALTONE_BIN", binary))
}
