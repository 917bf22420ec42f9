//! What tests need beyond Rust and Node.js, and how it is installed when that is allowed.

use std::{fs, path::Path, process::Command};

use crate::shell::{build_folder, cargo, command, is_installed, run, succeeds};

/// A program and where it comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    program: &'static str,
    source: Source,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// A package of Debian and its relatives.
    Apt(&'static str),
    /// `cargo install --locked`.
    Cargo(&'static str),
}

const fn apt(program: &'static str, package: &'static str) -> Tool {
    Tool {
        program,
        source: Source::Apt(package),
    }
}

const fn crates(name: &'static str) -> Tool {
    Tool {
        program: name,
        source: Source::Cargo(name),
    }
}

/// A browser.
pub const CHROMIUM: Tool = apt("chromium", "chromium");
/// What steers it.
pub const CHROMEDRIVER: Tool = apt("chromedriver", "chromium-driver");
/// The other browser, which needs nothing else to be steered.
pub const FIREFOX: Tool = apt("firefox-esr", "firefox-esr");
/// Speakers for it on a machine that has none.
pub const PULSEAUDIO: Tool = apt("pulseaudio", "pulseaudio");
/// Network namespaces.
pub const IP: Tool = apt("ip", "iproute2");
/// NATs.
pub const NFT: Tool = apt("nft", "nftables");
/// The relay that ours is compared with, and its client tools.
pub const COTURN: Tool = apt("turnserver", "coturn");
/// Makes browsers trust a certificate.
pub const CERTUTIL: Tool = apt("certutil", "libnss3-tools");
/// Judges our certificates by other code than ours.
pub const OPENSSL: Tool = apt("openssl", "openssl");
/// A STUN client by others.
pub const STUN_CLIENT: Tool = apt("stun", "stun-client");
/// The database that tests of the store run on beside SQLite; they start servers of their own. Of
/// its programs this one is in PATH; the package brings the server, too.
pub const POSTGRESQL: Tool = apt("pg_lsclusters", "postgresql");
/// Builds the fuzzer's C++ half.
pub const CXX: Tool = apt("c++", "g++");
/// Licences, bans and sources of dependencies.
pub const CARGO_DENY: Tool = crates("cargo-deny");
/// Fuzzing.
pub const CARGO_FUZZ: Tool = crates("cargo-fuzz");

/// Installs Python packages.
pub const PIP: Tool = apt("pip3", "python3-pip");
/// Speaks, for microphones that have nobody before them.
pub const ESPEAK: Tool = apt("espeak-ng", "espeak-ng");
/// What Python packages that are partly C or C++ are built with, beside its compiler.
pub const PYTHON_HEADERS: Tool = apt("python3-config", "python3-dev");

/// Clients of a relay that only PyPI and npm have; the tests find them in the build folder.
const AIOICE: &str = "aioice==0.13.0";
const NODE_DATACHANNEL: &str = "node-datachannel@0.33.4";

/// Installs ICE agents by others into the build folder, and nowhere else.
pub fn provide_ice_agents() -> Result<(), String> {
    into_build_folder("python", |folder| {
        let mut pip = command("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--target"]);
        run(pip.arg(folder).arg(AIOICE))
    })?;
    into_build_folder("node", |folder| {
        let mut npm = command("npm");
        npm.args(["install", "--no-save", "--no-audit", "--no-fund"]);
        run(npm.arg("--prefix").arg(folder).arg(NODE_DATACHANNEL))
    })
}

/// Judges how speech has come over a network (PESQ).
const PESQ: [&str; 2] = ["pesq==0.0.4", "numpy"];

/// Installs the judge of speech into the build folder, and nowhere else.
pub fn provide_speech_score() -> Result<(), String> {
    into_build_folder("speech", |folder| {
        let mut pip = command("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--target"]);
        run(pip.arg(folder).args(PESQ))
    })
}

/// Fills a folder unless it is there. It gets its name when it is full.
fn into_build_folder(
    name: &str,
    fill: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<(), String> {
    let folder = build_folder().join("foreign").join(name);
    if folder.is_dir() {
        return Ok(());
    }
    let unfinished = folder.with_extension("unfinished");
    let failed = |e| format!("{}: {e}", folder.display());
    fs::create_dir_all(&unfinished).map_err(failed)?;
    fill(&unfinished)?;
    fs::rename(&unfinished, &folder).map_err(failed)
}

/// Installs what is missing of `tools`; where it may not, says what it would do.
pub fn provide(tools: &[Tool]) -> Result<(), String> {
    let missing: Vec<_> = tools.iter().filter(|t| !is_installed(t.program)).collect();
    let packages: Vec<_> = missing
        .iter()
        .filter_map(|tool| match tool.source {
            Source::Apt(package) => Some(package),
            Source::Cargo(_) => None,
        })
        .collect();
    if !packages.is_empty() {
        install_packages(&packages)?;
    }
    for tool in missing {
        if let Source::Cargo(name) = tool.source {
            run(cargo().args(["install", "--locked", name]))?;
        }
    }
    Ok(())
}

fn install_packages(packages: &[&str]) -> Result<(), String> {
    let install = format!(
        "apt-get install --yes --no-install-recommends {}",
        packages.join(" ")
    );
    if !is_installed("apt-get") {
        return Err(format!("please install: {}", packages.join(" ")));
    }
    let Some(prefix) = administrator() else {
        return Err(format!(
            "not allowed to install packages; as root it would run: {install}"
        ));
    };
    let words = |line: &str| -> Command {
        let mut words = prefix.iter().copied().chain(line.split_whitespace());
        let mut made = command(words.next().unwrap_or("apt-get"));
        made.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        made
    };
    run(&mut words("apt-get update --quiet"))?;
    run(&mut words(&install))?;
    if packages.contains(&"coturn") && is_installed("systemctl") {
        // The package starts a relay on the usual ports; tests start their own.
        succeeds(&mut words("systemctl disable --now coturn"));
    }
    Ok(())
}

/// How to run something as root without being asked: directly, by sudo, or not at all.
fn administrator() -> Option<&'static [&'static str]> {
    if is_root() {
        Some(&[])
    } else if succeeds(command("sudo").args(["--non-interactive", "true"])) {
        Some(&["sudo"])
    } else {
        None
    }
}

/// Whether this process runs as root, as labs of network namespaces must.
pub fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let effective = line.and_then(|ids| ids.split_whitespace().nth(1));
    effective == Some("0")
}
