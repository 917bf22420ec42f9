//! What the tests of calls share.
#![allow(dead_code, clippy::disallowed_methods, clippy::disallowed_types)]

pub mod ringing;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use lab::{BrowserOptions, Evidence, Host, Person, Server, World};
use serde_json::Value;

/// Tones that no harmonic of the other can be taken for.
pub const ALICE: f64 = 440.0;
/// See [`ALICE`].
pub const BOB: f64 = 660.0;

/// Alice and Bob at their browsers.
pub struct Pair {
    pub alice: Person,
    pub bob: Person,
}

impl Pair {
    pub fn arrive(test: &str, alice: &Host, bob: &Host, origin: &str) -> Result<Self> {
        Self::both(
            || Person::arrive(test, alice, "Alice", ALICE, origin),
            || Person::arrive(test, bob, "Bob", BOB, origin),
        )
    }

    /// As [`Pair::arrive`], at browsers that trust an authority.
    pub fn trusting(
        test: &str,
        alice: &Host,
        bob: &Host,
        origin: &str,
        root: &Path,
    ) -> Result<Self> {
        Self::both(
            || Person::trusting(test, alice, "Alice", ALICE, origin, root),
            || Person::trusting(test, bob, "Bob", BOB, origin, root),
        )
    }

    /// Alice and Bob where they are and at the browsers they are given, but with the usual tones.
    pub fn with(
        test: &str,
        alice: (&Host, BrowserOptions),
        bob: (&Host, BrowserOptions),
    ) -> Result<Self> {
        let hearing = |tone, options| BrowserOptions {
            tone: Some(tone),
            ..options
        };
        Self::both(
            || Person::with(test, alice.0, "Alice", &hearing(ALICE, alice.1)),
            || Person::with(test, bob.0, "Bob", &hearing(BOB, bob.1)),
        )
    }

    fn both(
        alice: impl FnOnce() -> Result<Person> + Send,
        bob: impl FnOnce() -> Result<Person>,
    ) -> Result<Self> {
        std::thread::scope(|scope| {
            let first = scope.spawn(alice);
            let bob = bob()?;
            let alice = first.join().expect("no panic while starting")?;
            Ok(Self { alice, bob })
        })
    }

    /// Alice starts a call and joins; Bob follows her link and joins. Returns the link.
    pub fn meet(&self, server: &Server) -> Result<String> {
        let link = self.alice.start_a_call(&server.origin())?;
        self.alice.join()?;
        self.bob.open(&link)?;
        self.bob.join()?;
        Ok(link)
    }

    /// Both see the other move, hear the other's tone, and are connected by `path`.
    pub fn talk(&self, path: &str) -> Result<[Evidence; 2]> {
        for (person, other) in [(&self.alice, BOB), (&self.bob, ALICE)] {
            person.until_state("active")?;
            person.sees_moving_pictures()?;
            person.hears(other)?;
        }
        Ok([
            self.alice.is_connected_by(path)?,
            self.bob.is_connected_by(path)?,
        ])
    }

    /// Messages arrive in both directions, once each and in order.
    pub fn chat(&self) -> Result<()> {
        self.alice.say("good morning")?;
        self.bob.reads(&["good morning"])?;
        self.bob.say("and to you")?;
        self.alice.reads(&["good morning", "and to you"])
    }

    /// Bob hangs up, and both are told.
    pub fn part(&self) -> Result<()> {
        self.bob.hang_up()?;
        self.bob.until_state("ended")?;
        self.alice.until_state("ended")
    }

    /// Both pages hold an open WebSocket.
    pub fn both_have_signaling(&self) -> Result<()> {
        for person in [&self.alice, &self.bob] {
            let sockets = person.sense()?["sockets"].clone();
            let open = sockets
                .as_array()
                .into_iter()
                .flatten()
                .any(|state| state == 1);
            ensure!(
                open,
                "{}: no open WebSocket: {sockets}",
                person.browser().name()
            );
        }
        Ok(())
    }
}

/// What the lock says, and the pictures to compare.
pub fn lock(person: &Person) -> Result<(String, String)> {
    const LOOK: &str = "return [document.querySelector('[data-lock]')?.textContent ?? '',
        document.querySelector('[data-lock] ~ .signs')?.textContent ?? ''];";
    person.until("a lock with pictures", |_| {
        let shown = person.browser().script(LOOK, vec![])?;
        let text = |at: usize| shown[at].as_str().unwrap_or_default().to_owned();
        ensure!(!text(0).is_empty() && !text(1).is_empty(), "{shown}");
        Ok((text(0), text(1)))
    })
}

/// Waits until the screen of the other is shown here, or is not.
pub fn sees_screen(person: &Person, shown: bool) -> Result<()> {
    person.until(if shown { "a screen" } else { "no screen" }, |page| {
        let screens = page["videos"].as_array().into_iter().flatten();
        let screen = screens
            .filter(|video| video["role"] == "screen")
            .find(|video| !shown || video["frames"].as_u64() > Some(0));
        ensure!(screen.is_some() == shown, "videos: {}", page["videos"]);
        Ok(())
    })
}

/// Server and two people on the machine itself, without any network between them.
pub fn at_home(test: &str) -> Result<(Server, Pair)> {
    let server = Server::start(&Host::here())?;
    let pair = Pair::arrive(test, &Host::here(), &Host::here(), &server.origin())?;
    Ok((server, pair))
}

/// Each side learnt its router's address from STUN: the direct path rests on it.
pub fn learnt_addresses(evidence: &[Evidence; 2], world: &World) -> Result<()> {
    for (side, router) in evidence.iter().zip(&world.routers) {
        let address = router.address().to_string();
        let learnt = |candidate: &Value| {
            candidate["type"] == "srflx" && candidate["address"] == address.as_str()
        };
        let found = side
            .local
            .as_array()
            .context("no candidates")?
            .iter()
            .any(learnt);
        ensure!(
            found,
            "no server-reflexive candidate {address} among {}",
            side.local
        );
    }
    Ok(())
}
