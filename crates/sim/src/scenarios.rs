//! Small worlds to be explored: two people with two devices each, and what may happen to them.
//!
//! An alphabet that holds everything would be explored to no depth. So each scenario has the part
//! of it that belongs together, and goes deep.

use crate::stage::{Event, Manners};

pub(crate) const ADAS_PHONE: usize = 0;
pub(crate) const BENS_PHONE: usize = 2;

/// A small world.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// How deep it is explored, unless somebody says otherwise.
    pub depth: usize,
    pub(crate) manners: Manners,
    /// Ben's phone sits in a call of its own, as Ada's does.
    pub(crate) both_dial: bool,
    /// Ben has blocked Ada.
    pub(crate) blocked: bool,
    /// What is done at each device.
    pub(crate) plays: [&'static [Move]; 4],
    /// Whose lines and pages suffer.
    pub(crate) unlucky: &'static [usize],
    pub(crate) luck: Luck,
}

impl Scenario {
    /// Whether one of somebody's devices can be told from the other.
    pub(crate) fn devices_differ(&self, person: usize) -> bool {
        let [one, other] = [2 * person, 2 * person + 1];
        let is_unlucky = |who| self.unlucky.contains(&who);
        self.plays[one] != self.plays[other] || is_unlucky(one) != is_unlucky(other)
    }
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    Dial,
    Alert,
    Accept,
    Decline,
    Ignore,
    Busy,
    Cancel,
    Message,
    HangUp,
    /// Sends a description and a candidate, once, and says that the connection is up.
    Talk,
}

/// How often things go wrong, at most.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(crate) struct Luck {
    pub(crate) cuts: u8,
    pub(crate) fades: u8,
    pub(crate) reloads: u8,
    pub(crate) repeats: u8,
    pub(crate) restarts: u8,
    pub(crate) failures: u8,
    /// How often time passes.
    pub(crate) dues: u8,
}

impl Luck {
    /// One event less of this kind.
    pub(crate) fn spend(&mut self, event: &Event) {
        match event {
            Event::Cut(_) => self.cuts -= 1,
            Event::Fade(_) => self.fades -= 1,
            Event::Reload(_) => self.reloads -= 1,
            Event::Again(_) => self.repeats -= 1,
            Event::Restart => self.restarts -= 1,
            Event::Fail => self.failures -= 1,
            Event::Due | Event::Pass(_) => self.dues -= 1,
            _ => {}
        }
    }
}

use Move::*;

const SLOW_STORE: Manners = Manners {
    quick_store: false,
    ..Manners::QUICK
};
pub(crate) const LUCKY: Luck = Luck {
    cuts: 0,
    fades: 0,
    reloads: 0,
    repeats: 0,
    restarts: 0,
    failures: 0,
    dues: 0,
};
const PLAIN: Scenario = Scenario {
    name: "",
    depth: 0,
    manners: Manners::QUICK,
    both_dial: false,
    blocked: false,
    plays: [&[Dial, Cancel], &[], &[Alert, Accept], &[Accept]],
    unlucky: &[],
    luck: LUCKY,
};

/// All of them.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "answering",
        depth: 11,
        plays: [
            &[Dial, Cancel, HangUp],
            &[],
            &[Alert, Accept, Decline, Ignore, Busy, HangUp],
            &[Alert, Accept, Decline, Busy],
        ],
        ..PLAIN
    },
    Scenario {
        name: "slow lines in both directions",
        depth: 14,
        manners: Manners {
            quick_clients: false,
            ..Manners::QUICK
        },
        plays: [&[Dial, Cancel], &[], &[Alert, Accept], &[Accept, Decline]],
        ..PLAIN
    },
    Scenario {
        name: "lost lines and repeats",
        depth: 9,
        plays: [&[Dial, Cancel], &[], &[Alert, Accept], &[Accept, Decline]],
        unlucky: &[ADAS_PHONE, BENS_PHONE],
        luck: Luck {
            cuts: 2,
            fades: 1,
            repeats: 1,
            ..LUCKY
        },
        ..PLAIN
    },
    Scenario {
        name: "pages loaded again, and windows that pass",
        depth: 9,
        unlucky: &[ADAS_PHONE, BENS_PHONE],
        luck: Luck {
            cuts: 1,
            reloads: 1,
            dues: 3,
            ..LUCKY
        },
        ..PLAIN
    },
    Scenario {
        name: "both call each other while the store is slow",
        depth: 11,
        manners: SLOW_STORE,
        both_dial: true,
        plays: [
            &[Dial, Cancel, HangUp],
            &[Accept],
            &[Dial, Accept, Cancel, HangUp],
            &[Accept, Decline],
        ],
        ..PLAIN
    },
    Scenario {
        name: "both call each other on lines that are lost",
        depth: 10,
        manners: SLOW_STORE,
        both_dial: true,
        plays: [&[Dial], &[], &[Dial, Accept], &[Accept]],
        unlucky: &[BENS_PHONE],
        luck: Luck {
            cuts: 1,
            reloads: 1,
            dues: 2,
            ..LUCKY
        },
        ..PLAIN
    },
    Scenario {
        name: "a store that fails",
        depth: 13,
        manners: SLOW_STORE,
        plays: [
            &[Dial, Cancel, Message, HangUp],
            &[],
            &[Accept, Decline],
            &[],
        ],
        unlucky: &[ADAS_PHONE],
        luck: Luck {
            failures: 1,
            repeats: 1,
            ..LUCKY
        },
        ..PLAIN
    },
    Scenario {
        name: "a server that dies",
        depth: 10,
        manners: SLOW_STORE,
        plays: [
            &[Dial, Cancel, Message],
            &[],
            &[Accept, Decline, HangUp],
            &[],
        ],
        luck: Luck {
            restarts: 2,
            ..LUCKY
        },
        ..PLAIN
    },
    Scenario {
        name: "calling somebody who has blocked one",
        depth: 8,
        manners: SLOW_STORE,
        both_dial: true,
        blocked: true,
        plays: [
            &[Dial, Cancel, Message, HangUp],
            &[],
            &[Accept, Dial, HangUp],
            &[Accept],
        ],
        unlucky: &[BENS_PHONE],
        luck: Luck {
            cuts: 1,
            restarts: 1,
            dues: 3,
            ..LUCKY
        },
    },
    Scenario {
        name: "time passes",
        depth: 11,
        plays: [&[Dial, Message], &[], &[Alert, Accept], &[Busy]],
        unlucky: &[BENS_PHONE],
        luck: Luck {
            cuts: 1,
            dues: 5,
            ..LUCKY
        },
        ..PLAIN
    },
    Scenario {
        name: "talking",
        depth: 9,
        plays: [&[Dial, Talk, HangUp], &[], &[Accept, Talk, HangUp], &[]],
        unlucky: &[ADAS_PHONE, BENS_PHONE],
        luck: Luck {
            cuts: 1,
            reloads: 1,
            dues: 1,
            restarts: 1,
            ..LUCKY
        },
        ..PLAIN
    },
];
