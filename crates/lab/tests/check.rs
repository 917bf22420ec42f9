//! "Can I call from here?" where one can, where one can only by a detour, and where one cannot.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod common;

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use common::{ALICE, BOB};
use lab::{Authority, Host, Person, Server, ServerOptions, Topology};
use serde_json::{Value, json};

fn verdict_is(said: &Value, name: &str, sentence: &str) -> Result<()> {
    ensure!(said["verdict"] == name, "{said:#}");
    let text = said["sentence"].as_str().unwrap_or_default();
    ensure!(text.contains(sentence), "{said:#}");
    let report = said["report"].as_str().unwrap_or_default();
    ensure!(report.contains(text), "not in the report: {said:#}");
    // Nor anything that would let somebody else use the relay.
    ensure!(
        !report.contains("trial~") && !report.contains("credential"),
        "{report}"
    );
    Ok(())
}

fn levels_are(said: &Value, levels: &[(&str, &str)]) -> Result<()> {
    for (finding, level) in levels {
        ensure!(
            said["levels"][finding] == *level,
            "{finding} is not {level}: {said:#}"
        );
    }
    Ok(())
}

#[test]
fn at_home_everything_is_good() -> Result<()> {
    let server = Server::start(&Host::here())?;
    let here = Host::here();
    let origin = server.origin();
    let alice = Person::arrive("check-home", &here, "Alice", ALICE, &origin)?;
    let said = alice.check(&origin)?;
    verdict_is(&said, "good", "You can call from here.")?;
    let good = [
        "camera",
        "microphone",
        "websocket",
        "stun",
        "relay_udp",
        "relay_tcp",
        "ip",
        "round_trip",
        "jitter",
        "loss",
        "throughput",
    ];
    levels_are(&said, &good.map(|finding| (finding, "good")))?;

    let deaf = Person::without_devices("check-home", &here, "Bob", &origin)?;
    let said = deaf.check(&origin)?;
    verdict_is(&said, "unheard", "without your microphone")?;
    levels_are(&said, &[("microphone", "problem"), ("camera", "warning")])
}

#[test]
fn without_udp_tcp_is_found_and_without_both_nothing() -> Result<()> {
    let world = Topology::TcpOnly.build()?;
    let server = Server::start(&world.server)?;
    let origin = server.origin();
    let fenced = Person::arrive("check-tcp", &world.bob, "Bob", BOB, &origin)?;
    let said = fenced.check(&origin)?;
    verdict_is(&said, "tcp", "through the relay by TCP")?;
    levels_are(
        &said,
        &[
            ("stun", "warning"),
            ("relay_udp", "warning"),
            ("relay_tcp", "good"),
            ("nat", "note"),
        ],
    )?;

    let alice = Person::arrive("check-tcp", &world.alice, "Alice", ALICE, &origin)?;
    let said = alice.check(&origin)?;
    verdict_is(&said, "good", "You can call from here.")?;
    // A server with one address cannot tell which kind of NAT it is, but what it looks like.
    levels_are(
        &said,
        &[("stun", "good"), ("relay_udp", "good"), ("nat", "note")],
    )?;
    let address = world.routers[0].address().to_string();
    let report = said["report"].as_str().unwrap_or_default();
    ensure!(report.contains(&address), "not {address}: {report}");

    world.server.block_relay()?;
    let said = alice.check(&origin)?;
    verdict_is(&said, "no_path", "neither STUN nor the relay answers")?;
    ensure!(said["report"].to_string().contains("dialtone doctor"));
    levels_are(
        &said,
        &[
            ("websocket", "good"),
            ("relay_udp", "problem"),
            ("relay_tcp", "problem"),
            ("relay_tls", "warning"),
        ],
    )
}

#[test]
fn where_only_443_passes_tls_is_found() -> Result<()> {
    let world = Topology::Only443.build()?;
    let authority = Arc::new(Authority::certify(world.server.address())?);
    let options = ServerOptions {
        authority: Some(authority.clone()),
        ..ServerOptions::default()
    };
    let server = Server::start_with(&world.server, options)?;
    let origin = server.origin();
    let alice = Person::trusting(
        "check-443",
        &world.alice,
        "Alice",
        ALICE,
        &origin,
        &authority.root(),
    )?;
    let said = alice
        .check(&origin)
        .with_context(|| format!("server: {}", server.said()))?;
    verdict_is(&said, "tls", "by TLS on port 443")?;
    levels_are(
        &said,
        &[
            ("relay_udp", "warning"),
            ("relay_tcp", "warning"),
            ("relay_tls", "good"),
        ],
    )?;
    ensure!(said["levels"]["round_trip"] != json!(null), "{said:#}");
    Ok(())
}
