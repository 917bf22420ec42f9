//! What happens to networks, servers and laptops while two people talk, and what it costs them.

use std::{
    net::Ipv4Addr,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::{Patience, Person, Server, Topology, World, eventually, holds_for};

/// How long a call is watched before anything happens to it, and after it has recovered.
const CALM: Duration = Duration::from_secs(3);
/// Sound as old as this is not flowing any more.
const STALE_MS: f64 = 1_500.0;

/// Something that happens in a call. To Alice, where it happens to one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Nothing at all: what the measurement itself shows.
    Nothing,
    /// Her network is gone and another there in the same moment, as when Wi-Fi gives way to mobile.
    OtherNetwork,
    /// Three seconds pass between the two.
    OtherNetworkLate,
    /// Her router gets another public address.
    OtherAddress,
    /// Her router forgets its mappings, in a relayed call: it has others from then on.
    ForgottenMappings,
    /// The server, which is the relay of the call, crashes and is started again.
    RelayRestart,
    /// The server crashes and is started again, and the call is direct.
    ServerRestart,
    /// Nothing passes her router for five seconds.
    Loss,
    /// Nothing leaves her router for five seconds; what others send comes in.
    LossOutwards,
    /// Her laptop sleeps for twenty seconds.
    Sleep,
    /// The part of her browser that has the microphone crashes, as when it is unplugged.
    Microphone,
    /// The same with the camera.
    Camera,
}

/// Two people in a call, and what surrounds them.
pub struct Stage {
    /// The network.
    pub world: World,
    /// The server.
    pub server: Server,
    /// To whom it happens.
    pub alice: Person,
    /// Who talks with her.
    pub bob: Person,
    mishap: Mishap,
    /// The router of another network that Alice can go to.
    elsewhere: Ipv4Addr,
}

/// What a mishap cost: of Alice, then of Bob.
#[derive(Clone, Debug)]
pub struct Damage {
    /// Time from its begin until the page said so; nothing if it never did.
    pub noticed: [Option<Duration>; 2],
    /// The longest time without sound of the other.
    pub gap: [Duration; 2],
    /// Sound of the other that is missing in all.
    pub missing: [Duration; 2],
    /// How the media travelled before and afterwards.
    pub path: [String; 2],
}

impl Mishap {
    /// All of them.
    pub const ALL: [Mishap; 12] = [
        Mishap::Nothing,
        Mishap::OtherNetwork,
        Mishap::OtherNetworkLate,
        Mishap::OtherAddress,
        Mishap::ForgottenMappings,
        Mishap::RelayRestart,
        Mishap::ServerRestart,
        Mishap::Loss,
        Mishap::LossOutwards,
        Mishap::Sleep,
        Mishap::Microphone,
        Mishap::Camera,
    ];

    /// What happens, for a table.
    pub fn what(self) -> &'static str {
        match self {
            Mishap::Nothing => "nothing (what the measurement itself shows)",
            Mishap::OtherNetwork => "another network takes over at once",
            Mishap::OtherNetworkLate => "another network, three seconds later",
            Mishap::OtherAddress => "the router gets another public address",
            Mishap::ForgottenMappings => "the router forgets its mappings",
            Mishap::RelayRestart => "server and relay crash and start again",
            Mishap::ServerRestart => "the server crashes and starts again",
            Mishap::Loss => "total loss for 5 s",
            Mishap::LossOutwards => "total loss for 5 s, one way",
            Mishap::Sleep => "the laptop sleeps for 20 s",
            Mishap::Microphone => "the microphone fails",
            Mishap::Camera => "the camera fails",
        }
    }

    /// What the two see, and what the call does about it, for a table.
    pub fn answer(self) -> &'static str {
        match self {
            Mishap::Nothing => "–",
            Mishap::OtherNetwork | Mishap::OtherNetworkLate => {
                "both read \"Reconnecting…\"; ICE restarts, through the server, and finds the new path"
            }
            Mishap::OtherAddress => {
                "ICE restarts after a second of silence, most often before there is anything to say"
            }
            Mishap::ForgottenMappings => "the same, with new allocations at the relay",
            Mishap::RelayRestart => {
                "nothing of the loss: whoever joins again at the server restarts ICE at once"
            }
            Mishap::ServerRestart => {
                "a banner that messages wait; sound and picture do not notice, messages are sent when it is back"
            }
            Mishap::Loss => {
                "both read \"Reconnecting…\"; the old path is taken up again when it works"
            }
            Mishap::LossOutwards => {
                "\"Reconnecting…\" at the end that hears nothing; the other goes on hearing and seeing"
            }
            Mishap::Sleep => {
                "the other reads \"Reconnecting…\"; who sleeps goes on on waking, without having noticed"
            }
            Mishap::Microphone => {
                "the microphone is opened anew, and the sound of the other is played anew; without another device she is told"
            }
            Mishap::Camera => "the camera is opened anew; without another she is told",
        }
    }

    fn topology(self) -> Topology {
        match self {
            Mishap::ForgottenMappings | Mishap::RelayRestart => Topology::Symmetrics,
            _ => Topology::Cones,
        }
    }

    /// Does it, and returns when nothing more happens.
    fn strike(self, stage: &mut Stage) -> Result<()> {
        let router = stage.world.routers[0].clone();
        let wait = |seconds| thread::sleep(Duration::from_secs(seconds));
        match self {
            Mishap::Nothing => wait(5),
            Mishap::OtherNetwork | Mishap::OtherNetworkLate => {
                let pause = if self == Mishap::OtherNetwork { 0 } else { 3 };
                let pause = Duration::from_secs(pause);
                stage.world.alice.change_network(stage.elsewhere, pause)?;
            }
            Mishap::OtherAddress => router.change_address(stage.world.free_address())?,
            Mishap::ForgottenMappings => router.forget_translations()?,
            Mishap::RelayRestart | Mishap::ServerRestart => {
                stage.server.stop(Signal::SIGKILL)?;
                stage.server.start_again()?;
            }
            Mishap::Loss | Mishap::LossOutwards => {
                if self == Mishap::Loss {
                    router.go_dark()?;
                } else {
                    router.lose_outgoing()?;
                }
                wait(5);
                router.come_back()?;
            }
            Mishap::Sleep => {
                stage.alice.browser().sleep();
                wait(20);
                stage.alice.browser().wake();
            }
            Mishap::Microphone => stage.lose_part("audio.mojom.AudioService")?,
            Mishap::Camera => stage.lose_part("video_capture.mojom.VideoCaptureService")?,
        }
        Ok(())
    }
}

impl Stage {
    /// Brings the two together on the network where `mishap` can happen.
    pub fn set(test: &str, mishap: Mishap) -> Result<Self> {
        let mut world = mishap.topology().build()?;
        // It is there all the time, as mobile networks are.
        let elsewhere = world.second_network()?;
        let server = Server::start(&world.server)?;
        let origin = server.origin();
        let alice = Person::arrive(test, &world.alice, "Alice", 440.0, &origin)?;
        let bob = Person::arrive(test, &world.bob, "Bob", 660.0, &origin)?;
        let link = alice.start_a_call(&origin)?;
        alice.join()?;
        bob.open(&link)?;
        bob.join()?;
        let stage = Self {
            world,
            server,
            alice,
            bob,
            mishap,
            elsewhere,
        };
        let path = if stage.world.direct {
            "direct"
        } else {
            "relay"
        };
        for person in [&stage.alice, &stage.bob] {
            person.until_state("active")?;
            person.is_connected_by(path)?;
            person.sees_moving_pictures()?;
            person.listen()?;
        }
        stage.until_calm()?;
        Ok(stage)
    }

    /// Lets it happen, and waits until both hear each other again.
    pub fn suffer(&mut self) -> Result<Damage> {
        let mishap = self.mishap;
        let before = self.path()?;
        let since = now();
        mishap.strike(self).with_context(|| format!("{mishap:?}"))?;
        self.until_calm()?;
        let [heard, overheard] = [self.alice.heard()?, self.bob.heard()?];
        let noticed = |person: &Person| -> Result<Option<Duration>> {
            let at = person.showed("reconnecting", since)?;
            Ok(at.map(|at| Duration::from_secs_f64((at - since) / 1000.0)))
        };
        Ok(Damage {
            noticed: [noticed(&self.alice)?, noticed(&self.bob)?],
            gap: [heard.longest_gap(since)?, overheard.longest_gap(since)?],
            missing: [heard.missing(since), overheard.missing(since)],
            path: [before, self.path()?],
        })
    }

    /// Waits until both have heard each other for a while.
    fn until_calm(&self) -> Result<()> {
        let calm = || {
            for person in [&self.alice, &self.bob] {
                let page = person.sense()?;
                ensure!(page["state"] == "active", "state {}", page["state"]);
                ensure!(page["path"] != "", "no path");
                let age = now() - person.heard()?.last().context("never heard anything")?;
                ensure!(age < STALE_MS, "no sound for {age:.0} ms");
            }
            Ok(())
        };
        eventually("both hear each other for a while", Patience::USUAL, || {
            eventually("both hear each other", Patience::USUAL, calm)?;
            holds_for("both hear each other", CALM, calm)
        })
        .map_err(|error| self.bob.explain(self.alice.explain(error)))
    }

    fn path(&self) -> Result<String> {
        let page = self.alice.sense()?;
        Ok(page["path"].as_str().unwrap_or_default().to_owned())
    }

    fn lose_part(&self, mark: &str) -> Result<()> {
        let killed = self.alice.browser().kill_part(mark);
        ensure!(killed == 1, "{killed} processes of {mark}");
        Ok(())
    }
}

/// Milliseconds since the Unix epoch.
fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs_f64() * 1000.0
}
