//! How a Chromium is started, and what it is told.

use std::{net::IpAddr, path::Path, time::Duration};

use anyhow::{Context, Result, anyhow};
use thirtyfour::{ChromeCapabilities, ChromiumLikeCapabilities};

use super::{BrowserOptions, Started, driver::Driver};
use crate::{Host, Process, authority::trust, wav::write_tone};

/// Starts it with this folder as its home; the process is chromedriver's.
pub(super) fn start(host: &Host, home: &Path, options: &BrowserOptions) -> Result<Started> {
    if let Some(root) = &options.authority {
        trust(root, &home.join(".pki/nssdb"))?;
    }
    let mut command = host.command("chromedriver");
    command
        .args(["--port=0", "--allowed-ips=", "--allowed-origins=*"])
        .arg("--log-level=WARNING")
        .env("HOME", home)
        .env("TMPDIR", home);
    let mut process = Process::start(command)?;
    let mark = "started successfully on port ";
    let line = process.wait_for_line(mark, Duration::from_secs(60))?;
    let port = line.split(mark).nth(1).unwrap_or_default();
    let port: u16 = port.trim_end_matches('.').parse().context(line.clone())?;
    let capabilities = capabilities(home, options)?;
    // chromedriver listens on the loopback of its own host.
    let address = format!("http://127.0.0.1:{port}");
    let driver = Driver::connect(host, address, capabilities)
        .with_context(|| format!("chromedriver said: {}", process.said()))?;
    Ok(Started {
        process,
        remote: Box::new(driver),
        sound: None,
    })
}

fn capabilities(profile: &Path, options: &BrowserOptions) -> Result<ChromeCapabilities> {
    let mut arguments: Vec<String> = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-breakpad",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--use-fake-ui-for-media-stream",
        "--window-size=1024,768",
        // The names of controls are looked for in English.
        "--accept-lang=en-US",
    ]
    .map(String::from)
    .to_vec();
    arguments.push(format!(
        "--user-data-dir={}",
        profile.join("profile").display()
    ));
    if let Some(hertz) = options.tone {
        let file = profile.join("tone.wav");
        write_tone(&file, hertz)?;
        arguments.push("--use-fake-device-for-media-stream".into());
        arguments.push(format!(
            "--use-file-for-fake-audio-capture={}",
            file.display()
        ));
    }
    if let Some(scene) = &options.scene {
        arguments.push("--use-fake-device-for-media-stream".into());
        for (what, file) in [("audio", scene.speech()), ("video", scene.film())] {
            let file = file.display();
            arguments.push(format!("--use-file-for-fake-{what}-capture={file}"));
        }
    }
    if !options.trusted.is_empty() {
        let origins = options.trusted.join(",");
        arguments.push(format!(
            "--unsafely-treat-insecure-origin-as-secure={origins}"
        ));
    }
    if let Some((name, address)) = &options.name {
        let address = match address {
            Some(IpAddr::V6(address)) => format!("[{address}]"),
            Some(IpAddr::V4(address)) => address.to_string(),
            None => "^NOTFOUND".into(),
        };
        // The star is for a dot at the end: with one, and with none, names are asked for.
        arguments.push(format!("--host-resolver-rules=MAP {name}* {address}"));
    }
    if let Some(proxy) = options.proxy {
        arguments.push(format!("--proxy-server=http://{proxy}"));
    }
    let mut capabilities = ChromeCapabilities::new();
    for argument in &arguments {
        capabilities
            .add_arg(argument)
            .map_err(|e| anyhow!("{argument}: {e}"))?;
    }
    Ok(capabilities)
}
