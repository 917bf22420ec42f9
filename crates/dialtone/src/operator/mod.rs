//! A relay in operation: what its operator says by signals, and what he is told.

mod admin;
mod floods;
mod retired;

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, sleep_until};
use turn::Counters;

use crate::config::{Problems, Resolved, Secret, Settings, Sources};
use crate::http::Server;
use crate::net::relay::Relay;
use admin::{Admin, Doorkeeper};
use floods::Floods;
use retired::Retired;

/// How often a draining relay looks whether anybody is left.
const LOOK: Duration = Duration::from_millis(250);

/// How often it is looked whether all of the relay still runs, and which addresses this machine has.
const WATCH: Duration = Duration::from_secs(1);

/// A relay that runs, and what it runs with.
#[derive(Debug)]
struct Operation {
    relay: Arc<Relay>,
    sources: Sources,
    /// What it was started with, which is what still counts of that which needs a restart.
    started: Settings,
    settings: Settings,
    resolved: Resolved,
    retired: Retired,
    floods: Floods,
    doorkeeper: Option<Doorkeeper>,
    is_draining: bool,
}

/// What an operator can say.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

/// What the operation has to do next.
enum Wake {
    Reload,
    /// With patience for clients that still talk.
    End,
    EndNow,
    /// The time of a retired secret is over.
    SecretOver,
    Minute,
    /// To look after the relay.
    Watch,
}

/// Runs a relay until it is told to end.
pub async fn run(sources: Sources, settings: Settings) -> anyhow::Result<()> {
    // Before anything is started, so that no signal finds the default behaviour in between.
    let mut signals = Signals::new()?;
    let mut resolved = settings.resolve()?;
    let admin = Admin::bind(&settings)?;
    let admin_address = admin.as_ref().map(Admin::address).transpose()?;
    resolved.relay.protected.extend(admin_address);
    let relay = Relay::start(resolved.relay.clone()).context("The relay did not start")?;
    let relay = Arc::new(relay);
    let (server, doorkeeper) = admin.map(|admin| admin.serve(relay.clone())).unzip();
    warn(&settings, admin_address);
    say_ready(&relay, admin_address);
    let mut operation = Operation {
        relay,
        started: settings.clone(),
        sources,
        settings,
        resolved,
        retired: Retired::default(),
        floods: Floods::default(),
        doorkeeper,
        is_draining: false,
    };
    let outcome = operation.go_on(&mut signals).await;
    say_what_was_done(&operation.relay.counters());
    if let Some(server) = server {
        Server::shut_down(server).await;
    }
    outcome
}

impl Operation {
    /// Does as it is told, until it is to end or the relay has failed.
    async fn go_on(&mut self, signals: &mut Signals) -> anyhow::Result<()> {
        let mut minute = interval(Duration::from_secs(60));
        minute.set_missed_tick_behavior(MissedTickBehavior::Delay);
        minute.reset();
        let mut watch = interval(WATCH);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let secret_over = self.retired.next_end(self.settings.keys.secret_grace.0);
            let wake = tokio::select! {
                wake = signals.next() => wake,
                () = at(secret_over) => Wake::SecretOver,
                _ = minute.tick() => Wake::Minute,
                _ = watch.tick() => Wake::Watch,
            };
            match wake {
                Wake::Reload => self.reload(),
                Wake::SecretOver => self.hand_over(),
                Wake::Minute => self.floods.summarise(self.relay.counters()),
                Wake::Watch => self.watch()?,
                Wake::End => return self.drain(signals).await,
                Wake::EndNow => return Ok(()),
            }
        }
    }

    /// What has to be done all the time.
    fn watch(&self) -> anyhow::Result<()> {
        if self.relay.has_failed() {
            bail!(
                "A part of the relay has failed, which is an error in Dialtone; the lines above \
                 say where. Please report it, and start the relay anew"
            );
        }
        self.relay.follow_addresses();
        Ok(())
    }

    /// Takes over what can be taken over. If anything is wrong, nothing is.
    fn reload(&mut self) {
        if let Err(Problems(problems)) = self.try_reload() {
            for problem in problems {
                tracing::error!("{problem}");
            }
            tracing::error!("Nothing was reloaded; the relay goes on with what it had");
        }
    }

    fn try_reload(&mut self) -> Result<(), Problems> {
        let settings = self.sources.read()?;
        let resolved = settings.resolve()?;
        if let Some(doorkeeper) = &self.doorkeeper {
            doorkeeper.expect(Doorkeeper::read(&settings)?);
        }
        for needs_restart in self.started.beyond_reload(&settings) {
            tracing::warn!("{needs_restart}");
        }
        let now = Instant::now();
        self.retired
            .replace(&self.resolved.secrets, &resolved.secrets, now);
        (self.settings, self.resolved) = (settings, resolved);
        self.hand_over();
        tracing::info!("The configuration was reloaded");
        Ok(())
    }

    /// Tells the relay what counts now.
    fn hand_over(&mut self) {
        let mut config = self.resolved.relay.clone();
        let grace = self.settings.keys.secret_grace.0;
        for Secret(secret) in self.retired.living(grace, Instant::now()) {
            config.credentials.add_secret(secret.as_bytes());
        }
        self.relay.reload(&config);
        if self.is_draining {
            self.relay.drain(&self.resolved.drain);
        }
    }

    /// Refuses new allocations and waits until the old ones are gone, the time is over, or it is
    /// told a second time.
    async fn drain(&mut self, signals: &mut Signals) -> anyhow::Result<()> {
        let patience = self.settings.keys.drain.0;
        if patience.is_zero() {
            return Ok(());
        }
        self.is_draining = true;
        self.relay.drain(&self.resolved.drain);
        self.doorkeeper.iter().for_each(Doorkeeper::say_draining);
        tracing::info!(
            "Draining: {} allocations may live on for {} seconds; a second signal ends them at once",
            self.relay.counters().allocations,
            patience.as_secs()
        );
        let begun = Instant::now();
        let mut look = interval(LOOK);
        loop {
            // A reload may change it.
            let deadline = begun + self.settings.keys.drain.0;
            tokio::select! {
                wake = signals.next() => match wake {
                    Wake::Reload => self.reload(),
                    _ => return Ok(()),
                },
                () = at(Some(deadline)) => return Ok(()),
                _ = look.tick() => {
                    self.watch()?;
                    if self.relay.counters().allocations == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Wake {
        tokio::select! {
            _ = self.interrupt.recv() => Wake::EndNow,
            _ = self.terminate.recv() => Wake::End,
            _ = self.hangup.recv() => Wake::Reload,
        }
    }
}

/// Waits until then; for ever, if there is no such time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

/// What whoever runs it should rather not do.
fn warn(settings: &Settings, admin: Option<SocketAddr>) {
    if let Some(admin) = admin.filter(|admin| !admin.ip().is_loopback()) {
        tracing::warn!(
            "The admin listener is on {admin}, and its token goes there in the clear; keep others \
             from it, or use 127.0.0.1"
        );
    }
    for file in settings.secret_files() {
        let mode = std::fs::metadata(&file).map(|it| it.mode());
        if mode.is_ok_and(|mode| mode & 0o004 != 0) {
            tracing::warn!(
                "{} has secrets in it, and everybody on this machine can read it; chmod o-r",
                file.display()
            );
        }
    }
}

fn say_what_was_done(counters: &Counters) {
    let relayed = counters.to_peers + counters.to_clients + counters.direct;
    tracing::info!(
        "The relay has ended: {} allocations were made, {relayed} datagrams relayed, {} requests \
         refused",
        counters.allocations_created,
        counters.refused
    );
}

/// Where clients are answered, and where the administrator is.
fn say_ready(relay: &Relay, admin: Option<SocketAddr>) {
    let clients = urls(relay);
    tracing::info!("The relay is ready on {clients}");
    match admin {
        Some(admin) => println!("ready {clients} http://{admin}"),
        None => println!("ready {clients}"),
    }
}

fn urls(relay: &Relay) -> String {
    let url = |scheme: &'static str| move |address| format!("{scheme}:{address}");
    let plain = relay.listen_addresses().iter().map(url("turn"));
    let tls = relay.tls_addresses().iter().map(url("turns"));
    plain.chain(tls).collect::<Vec<_>>().join(" ")
}
