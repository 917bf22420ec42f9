//! A load generator for signaling: many clients of one server, each with a device, a socket and a
//! session of its own, that call each other in pairs as the protocol asks.
//!
//! One thread does it all, as with the one for relaying: it shares its machine with the server it
//! measures, and is to take no more than one core.

mod calls;
mod client;
mod crowd;
mod device;
mod frames;
mod heard;
mod http;
mod idle;
mod members;
mod report;
mod restart;
mod resume;
mod setups;
mod socket;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use protocol::id::{ConnectionId, ParticipantId, RingId, UserId};
use protocol::message::ResetReason;

use super::Trouble as BenchTrouble;
use crowd::Crowd;
pub use idle::idle;
pub use members::make_members;
pub use report::Report;
pub use restart::restart_storm;
pub use resume::resume_storm;
pub use setups::{Pace, setups};

/// What to do to which server.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The server.
    pub server: SocketAddr,
    /// What clients call it.
    pub host: String,
    /// Members of the server, as whom the first clients come; the others are guests. With members
    /// calls begin with a ring, otherwise by a link.
    pub members: Vec<Member>,
    /// Clients.
    pub clients: usize,
    /// Bytes of a session description.
    pub description: usize,
    /// The server's process, to know what it costs.
    pub pid: Option<u32>,
}

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// An API token with the scope `calls`.
    pub token: String,
}

/// Why there is no measurement: what happened, whose fault it is, what helps.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Not only signaling has it.
    #[error(transparent)]
    Bench(#[from] BenchTrouble),
    /// A client does not get in.
    #[error(
        "client {0} does not get a session: {1}; is a server running there, and may it have so many connections (--max-connections)?"
    )]
    Outside(usize, String),
    /// A request is refused that must not be.
    #[error("the server refuses {0}")]
    Refused(String),
    /// A frame that cannot be read.
    #[error("the server sends what cannot be read: {0}")]
    Nonsense(String),
    /// A connection that was to stay is over.
    #[error("the server ends a connection that is in use: {0}")]
    Ended(String),
    /// Nothing goes on any more.
    #[error("only {done} of {of} {what}, and nothing more for {} s", STUCK.as_secs())]
    Stuck {
        what: &'static str,
        done: usize,
        of: usize,
    },
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Trouble {
        Trouble::Bench(error.into())
    }
}

impl From<nix::Error> for Trouble {
    fn from(error: nix::Error) -> Trouble {
        Trouble::Bench(error.into())
    }
}

/// What happened to a client.
#[derive(Debug)]
enum Event {
    /// A session is open.
    Opened,
    /// The session goes on.
    Resumed,
    /// It is lost, and another one is open.
    Reset(ResetReason),
    /// A message came.
    Heard(Note),
    /// The connection of an open session is over.
    Lost(String),
}

/// What a message says, as far as it matters here.
#[derive(Clone, Debug)]
struct Note {
    kind: Kind,
    connection: Option<ConnectionId>,
    you: Option<ParticipantId>,
    ring: Option<RingId>,
    /// The first connection of a snapshot.
    opened: Option<heard::Opened>,
    stamp: Option<Stamp>,
    /// Code and text of an error.
    refusal: Option<String>,
}

/// The messages that clients here act upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Joined,
    Connection,
    Description,
    Candidates,
    Ring,
    Ended,
    Error,
    Other,
}

impl Kind {
    fn of(t: &str) -> Kind {
        match t {
            "joined" => Kind::Joined,
            "connection" => Kind::Connection,
            "description" => Kind::Description,
            "candidates" => Kind::Candidates,
            "ring" => Kind::Ring,
            "call_ended" => Kind::Ended,
            "error" => Kind::Error,
            _ => Kind::Other,
        }
    }
}

/// The head of every body that clients here send: which one it is, and when it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    number: u64,
    /// Since the generator began.
    nanos: u64,
}

impl Stamp {
    fn read(body: &str) -> Option<Stamp> {
        let mut words = body.split(' ');
        Some(Stamp {
            number: words.next()?.parse().ok()?,
            nanos: words.next()?.parse().ok()?,
        })
    }

    fn write(self) -> String {
        format!("{} {} ", self.number, self.nanos)
    }
}

/// Silence after which nothing is expected any more.
const STUCK: Duration = Duration::from_secs(30);

/// Sees to it that something goes on.
struct Watch {
    what: &'static str,
    of: usize,
    done: usize,
    since: Instant,
}

impl Watch {
    fn new(what: &'static str, of: usize) -> Watch {
        Watch {
            what,
            of,
            done: 0,
            since: Instant::now(),
        }
    }

    /// So many are done; whether that is all.
    fn is_over(&mut self, done: usize) -> Result<bool, Trouble> {
        if done != self.done {
            self.done = done;
            self.since = Instant::now();
        }
        if self.since.elapsed() > STUCK {
            return Err(Trouble::Stuck {
                what: self.what,
                done,
                of: self.of,
            });
        }
        Ok(done >= self.of)
    }
}

/// How many clients get in at the same time while nothing is measured.
const TOGETHER: usize = 64;
/// The longest pause while something is waited for.
const LOOK: Duration = Duration::from_millis(20);

/// Lets every client open a session.
fn open_all(crowd: &mut Crowd) -> Result<(), Trouble> {
    let mut watch = Watch::new("sessions are open", crowd.len());
    let (mut begun, mut done) = (0, 0);
    while !watch.is_over(done)? {
        while begun < crowd.len() && begun < done + TOGETHER {
            crowd.connect(begun)?;
            begun += 1;
        }
        crowd.poll(LOOK)?;
        while let Some((_, event)) = crowd.next_event() {
            match event {
                Event::Opened => done += 1,
                Event::Lost(why) => return Err(Trouble::Ended(why)),
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_found_in_front_of_a_body() {
        let stamp = Stamp {
            number: 7,
            nanos: 123,
        };
        let body = stamp.write() + "v=0\r\n";
        assert_eq!(Stamp::read(&body), Some(stamp));
        assert_eq!(Stamp::read("v=0\r\n"), None);
    }
}
