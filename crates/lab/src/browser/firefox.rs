//! How a Firefox is started, and what it is told.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{BrowserOptions, Started, bidi::Bidi};
use crate::{Host, Patience, Process, authority::trust, eventually};

/// What every Firefox of a lab is told: to ask nobody, and to let pages have the camera.
fn usual() -> Vec<(&'static str, Value)> {
    vec![
        ("app.normandy.enabled", json!(false)),
        ("app.update.disabledForTesting", json!(true)),
        ("browser.aboutHomeSnippets.updateUrl", json!("")),
        ("browser.newtabpage.enabled", json!(false)),
        (
            "browser.safebrowsing.downloads.remote.enabled",
            json!(false),
        ),
        ("browser.safebrowsing.malware.enabled", json!(false)),
        ("browser.safebrowsing.phishing.enabled", json!(false)),
        ("browser.startup.page", json!(0)),
        ("datareporting.healthreport.uploadEnabled", json!(false)),
        ("datareporting.policy.dataSubmissionEnabled", json!(false)),
        ("dom.push.serverURL", json!("")),
        ("extensions.getAddons.cache.enabled", json!(false)),
        ("extensions.systemAddon.update.enabled", json!(false)),
        ("extensions.update.enabled", json!(false)),
        ("media.gmp-manager.url", json!("")),
        ("network.captive-portal-service.enabled", json!(false)),
        ("network.connectivity-service.enabled", json!(false)),
        ("network.dns.disablePrefetch", json!(true)),
        ("network.prefetch-next", json!(false)),
        ("network.trr.mode", json!(5)),
        ("services.settings.server", json!("data:,#none")),
        ("toolkit.telemetry.server", json!("")),
        // A server on plain HTTP is one on plain HTTP.
        ("dom.security.https_first", json!(false)),
        // The names of controls are looked for in English.
        ("intl.accept_languages", json!("en-US")),
        ("media.navigator.permission.disabled", json!(true)),
        // What a page may do to which a person gives their camera, but not with one that is made up:
        // learn the addresses, and play sound without a click.
        ("media.autoplay.default", json!(0)),
        (
            "media.peerconnection.ice.obfuscate_host_addresses",
            json!(false),
        ),
    ]
}

/// Starts it with this folder as its home.
pub(super) fn start(host: &Host, home: &Path, options: &BrowserOptions) -> Result<Started> {
    let profile = home.join("profile");
    fs::create_dir_all(&profile)?;
    if let Some(root) = &options.authority {
        trust(root, &profile)?;
    }
    fs::write(profile.join("user.js"), preferences(options)?)?;
    let (sound, speakers) = sound(home)?;
    let mut command = host.command("firefox-esr");
    command
        .args(["--headless", "--no-remote", "--remote-debugging-port=0"])
        .args(["--width=1024", "--height=768", "--profile"])
        .arg(&profile)
        .arg("about:blank")
        .env("HOME", home)
        .env("TMPDIR", home)
        .env("PULSE_SERVER", format!("unix:{}", speakers.display()))
        .env("MOZ_CRASHREPORTER_DISABLE", "1");
    let mut process = Process::start(command)?;
    let mark = "WebDriver BiDi listening on ws://";
    let line = process.wait_for_line(mark, Duration::from_secs(60))?;
    let address = line.split(mark).nth(1).unwrap_or_default();
    let address = address.trim().parse().context(line.clone())?;
    let bidi = Bidi::connect(host, address)
        .with_context(|| format!("Firefox said: {}", process.said()))?;
    Ok(Started {
        process,
        remote: Box::new(bidi),
        sound: Some(sound),
    })
}

/// Speakers that nobody hears, and the socket to them. Without any, Firefox's audio never runs, and
/// neither plays nor analyses.
fn sound(home: &Path) -> Result<(Process, PathBuf)> {
    let socket = home.join("speakers");
    let mut command = Command::new("pulseaudio");
    command
        .args(["-n", "--daemonize=no", "--exit-idle-time=-1"])
        .args([
            "--use-pid-file=no",
            "--disable-shm=yes",
            "--load=module-null-sink",
        ])
        .arg(format!(
            "--load=module-native-protocol-unix auth-anonymous=1 socket={}",
            socket.display()
        ))
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home);
    let process = Process::start(command)?;
    eventually("speakers", Patience::USUAL, || {
        ensure!(socket.exists(), "{}", process.said());
        Ok(())
    })?;
    Ok((process, socket))
}

/// The lines of a `user.js`.
fn preferences(options: &BrowserOptions) -> Result<String> {
    ensure!(
        options.scene.is_none(),
        "Firefox takes in no film and no recording"
    );
    let mut all = usual();
    if let Some(hertz) = options.tone {
        all.push(("media.navigator.streams.fake", json!(true)));
        all.push(("media.navigator.audio.fake_frequency", json!(hertz as i64)));
    }
    if !options.trusted.is_empty() {
        let hosts: Vec<_> = options.trusted.iter().map(|it| host_of(it)).collect();
        all.push(("dom.securecontext.allowlist", json!(hosts.join(","))));
    }
    match &options.name {
        Some((_, Some(address))) => {
            all.push(("network.dns.forceResolve", json!(address.to_string())));
        }
        Some((_, None)) => all.push(("network.dns.disabled", json!(true))),
        None => {}
    }
    if let Some(proxy) = options.proxy {
        all.push(("network.proxy.type", json!(1)));
        for (host, port) in [
            ("network.proxy.http", "network.proxy.http_port"),
            ("network.proxy.ssl", "network.proxy.ssl_port"),
        ] {
            all.push((host, json!(proxy.ip().to_string())));
            all.push((port, json!(proxy.port())));
        }
    }
    let mut lines = String::new();
    for (name, value) in all {
        writeln!(lines, "user_pref(\"{name}\", {value});")?;
    }
    Ok(lines)
}

/// The host of an origin.
fn host_of(origin: &str) -> &str {
    let rest = origin.split("://").nth(1).unwrap_or(origin);
    rest.rsplit_once(':').map_or(rest, |(host, _)| host)
}
