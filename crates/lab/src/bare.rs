//! Two browsers connected without our server: the lab itself carries offer and answer.
//!
//! What the networks do to a call can be judged this way with any STUN/TURN server.

use std::{fs, net::Ipv4Addr, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    Host, Pages, Patience, Person, Process, binding,
    browser::build_folder,
    eventually,
    server::{self, LAB_NETWORKS},
};

/// Connects two people on the bare page of `pages`, by these ICE servers.
pub fn connect(pages: &Pages, a: &Person, b: &Person, ice_servers: &Value) -> Result<()> {
    connect_with(pages, a, b, &json!({ "iceServers": ice_servers }))
}

/// The same with everything else that an `RTCConfiguration` may say.
pub fn connect_with(pages: &Pages, a: &Person, b: &Person, configuration: &Value) -> Result<()> {
    for person in [a, b] {
        person.browser().goto(pages.origin())?;
    }
    let configuration = || configuration.clone();
    let offer = a
        .browser()
        .script("return bare.offer(arguments[0])", vec![configuration()])?;
    if !b.has_devices() {
        // Who gives a page neither camera nor click gets no sound from it.
        for kind in ["mousePressed", "mouseReleased"] {
            let click = json!({ "type": kind, "x": 9, "y": 9, "button": "left", "clickCount": 1 });
            b.browser().cdp("Input.dispatchMouseEvent", click)?;
        }
    }
    let answer = b.browser().script(
        "return bare.answer(...arguments)",
        vec![offer, configuration(), b.has_devices().into()],
    )?;
    a.browser()
        .script("return bare.accept(arguments[0])", vec![answer])?;
    Ok(())
}

/// Texts go through the data channel of a bare page in both directions.
pub fn exchange_texts(a: &Person, b: &Person) -> Result<()> {
    for (from, to, text) in [(a, b, "good morning"), (b, a, "and to you")] {
        eventually("a text is sent", Patience::USUAL, || {
            let say = "return bare.say(arguments[0])";
            from.browser().script(say, vec![json!(text)])
        })?;
        eventually("the text arrives", Patience::USUAL, || {
            let texts = to.browser().script("return bare.texts()", vec![])?;
            ensure!(texts == json!([text]), "{texts}");
            Ok(())
        })?;
    }
    Ok(())
}

/// A STUN/TURN server that is not ours, and the configuration that makes a browser use it.
pub fn foreign_relay(host: &Host) -> Result<(Process, Value)> {
    let mut command: Command = host.command("turnserver");
    let address = host.address();
    let folder = build_folder().join("lab");
    fs::create_dir_all(&folder)?;
    command
        .arg(format!("--pidfile={}", folder.join("coturn.pid").display()))
        .args([
            "-n",
            "--no-cli",
            "--no-tls",
            "--no-dtls",
            "--lt-cred-mech",
            "--fingerprint",
        ])
        .args([
            "--realm=lab",
            "--user=lab:lab",
            "--log-file=stdout",
            "--pidfile=/dev/null",
        ])
        .args([
            format!("--listening-ip={address}"),
            format!("--relay-ip={address}"),
        ]);
    let relay = Process::start(command)?;
    let socket = host.udp(0)?;
    eventually("coturn answers", Patience::USUAL, || {
        binding(&socket, (address, 3478).into())
    })
    .with_context(|| relay.said())?;
    Ok((relay, ice_servers(address)))
}

/// Our relay alone, as an operator would run it in the place of another.
pub fn our_relay(host: &Host) -> Result<(Process, Value)> {
    let relay = our_relay_with(host, host.address(), &[])?;
    Ok((relay, ice_servers(host.address())))
}

/// The same where others know the host by another address, with further arguments.
pub fn our_relay_with(host: &Host, announced: Ipv4Addr, arguments: &[String]) -> Result<Process> {
    let address = host.address();
    let mut command = host.command(&server::binary()?.to_string_lossy());
    command
        .args(["turn", "--realm=lab", "--user=lab:lab"])
        .args([
            format!("--listen={address}:3478"),
            format!("--relay-ip={address}={announced}"),
        ])
        .args(arguments)
        .args(LAB_NETWORKS.map(|network| format!("--allow-peer={network}")));
    let mut relay = Process::start(command)?;
    relay
        .wait_for_line_starting("ready ", Patience::USUAL.0)
        .context("dialtone turn")?;
    Ok(relay)
}

fn ice_servers(address: Ipv4Addr) -> Value {
    json!([
        { "urls": format!("stun:{address}:3478") },
        { "urls": format!("turn:{address}:3478"), "username": "lab", "credential": "lab" },
    ])
}
