//! `dialtone turn`: the STUN and TURN server alone.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::config::{self, Flags, Sources};
use crate::doctor::{Certificate, Plan};
use crate::{addresses, coturn, operator};

/// Only the STUN and TURN server: a drop-in for coturn users
///
/// Every key below can also stand in the file, under [turn] and with _ for -, and in the environment:
/// --relay-ip is relay_ip there, and DIALTONE_TURN_RELAY_IP here. A flag counts before the environment,
/// and that before the file.
///
/// Example: dialtone turn --relay-ip 10.0.0.5=198.51.100.5 --realm example.org --user bob:secret
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The configuration, in TOML
    #[arg(long, value_name = "FILE", env = "DIALTONE_CONFIG")]
    config: Option<PathBuf>,

    /// Only check the configuration, and print what counts, secrets masked
    #[arg(long)]
    check: bool,

    /// Print the configuration that does what this turnserver.conf of coturn does, as far as it can
    #[arg(long, value_name = "FILE", conflicts_with_all = ["check", "config"])]
    import_coturn: Option<PathBuf>,

    #[command(flatten)]
    flags: Flags,
}

/// Runs the relay until it is told to stop.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    if let Some(path) = arguments.import_coturn {
        return import_coturn(&path);
    }
    let sources = Sources {
        flags: arguments.flags,
        file: arguments.config,
    };
    let settings = sources.read()?;
    if arguments.check {
        settings.resolve()?;
        print!("{}", settings.show());
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("The system gives no event loop")?;
    if settings.keys.relay_ip.is_empty() && !settings.keys.stun_only {
        say_what_was_found();
    }
    runtime.block_on(operator::run(sources, settings))
}

impl Arguments {
    /// What a relay with these arguments would use.
    pub fn plan(&self) -> anyhow::Result<Plan> {
        let sources = Sources {
            flags: self.flags.clone(),
            file: self.config.clone(),
        };
        let settings = sources.read()?;
        let keys = &settings.keys;
        let files = keys.cert.as_ref().zip(keys.key.as_ref());
        let certificate = files.map(|(cert, key)| Certificate::Files {
            cert: settings.beside("cert", 0, cert),
            key: settings.beside("key", 0, key),
            name: None,
        });
        Ok(Plan {
            relay: settings.resolve()?.relay,
            pages: keys.admin.iter().map(|at| (*at, "--admin")).collect(),
            https: None,
            certificate,
            state: None,
            secrets: settings.secret_files().into_iter().collect(),
            embed_origins: Vec::new(),
            troubles: Vec::new(),
            stun: None,
        })
    }
}

fn import_coturn(path: &Path) -> anyhow::Result<()> {
    let text = config::read_text(path).map_err(anyhow::Error::msg)?;
    let imported = coturn::import(&text);
    for note in &imported.notes {
        eprintln!("not carried over: {note}");
    }
    print!("{}", imported.toml);
    Ok(())
}

/// Which addresses of this machine are announced and which not, with the reasons.
fn say_what_was_found() {
    for address in addresses::find() {
        eprintln!("{address}");
    }
}
