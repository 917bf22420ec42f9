//! Pairs of clients and their calls, from joining to active to the end.

use std::time::Instant;

use protocol::id::{CallId, ConnectionId, ParticipantId, RingId, RoomId, UserId};
use protocol::message::*;
use protocol::text::{Body, List, Name};

use super::crowd::Crowd;
use super::{Event, Kind, LOOK, Note, Plan, Stamp, TOGETHER, Trouble, Watch};
use crate::bench::histogram::Histogram;
use crate::bench::random;

/// What a browser finds on a machine with two networks.
const CANDIDATES: usize = 4;
/// A line as it stands in descriptions.
const LINE: &str = "a=fmtp:111 minptime=10;useinbandfec=1\r\n";
const CANDIDATE: &str = "candidate:1467250027 1 udp 2122260223 192.0.2.17 46243 typ host \
                         generation 0 ufrag Zx9k network-id 1";

/// All pairs: the clients with numbers 2n and 2n + 1.
pub struct Calls {
    pairs: Vec<Pair>,
    /// Whom a client's person is; empty if calls begin by a link.
    users: Vec<UserId>,
    filler: String,
    begun: Instant,
    /// How long descriptions and candidates took from one client to the other.
    pub latencies: Histogram,
}

/// What a message has brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    None,
    /// Both ends of this pair's connection have said that it is up, and been answered.
    Active(usize),
    /// The call of this pair has ended for both.
    Over(usize),
}

/// Two clients and their call.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// Which of the two begins.
    caller: usize,
    pub call: CallId,
    pub room: RoomId,
    ring: RingId,
    pub connection: Option<ConnectionId>,
    /// The seats, in the order of the clients.
    pub seats: [Option<ParticipantId>; 2],
    reported: [bool; 2],
    candidates: [bool; 2],
    stage: Stage,
    pub begun: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    SettingUp,
    Active,
    HangingUp,
}

impl Calls {
    /// As many as there are pairs of clients.
    pub fn new(plan: &Plan, clients: usize) -> Calls {
        let begun = Instant::now();
        let nothing = [0; 16];
        let pair = Pair {
            caller: 1,
            call: CallId::from_bytes(nothing),
            room: RoomId::from_bytes(nothing),
            ring: RingId::from_bytes(nothing),
            connection: None,
            seats: [None; 2],
            reported: [false; 2],
            candidates: [false; 2],
            stage: Stage::Idle,
            begun,
        };
        Calls {
            pairs: vec![pair; clients / 2],
            users: plan.members.iter().map(|member| member.user).collect(),
            filler: LINE.repeat(plan.description / LINE.len()),
            begun,
            latencies: Histogram::default(),
        }
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// One of them.
    pub fn pair(&self, pair: usize) -> &Pair {
        &self.pairs[pair]
    }

    /// Begins a call; the two take turns in beginning.
    pub fn begin(&mut self, crowd: &mut Crowd, pair: usize) -> Result<(), Trouble> {
        let here = &mut self.pairs[pair];
        *here = Pair {
            caller: 1 - here.caller,
            call: CallId::from_bytes(random()?),
            room: RoomId::from_bytes(random()?),
            ring: RingId::from_bytes(random()?),
            connection: None,
            seats: [None; 2],
            reported: [false; 2],
            candidates: [false; 2],
            stage: Stage::SettingUp,
            begun: Instant::now(),
        };
        let caller = 2 * pair + here.caller;
        crowd.request(caller, here.join())
    }

    /// Ends a call.
    pub fn hang_up(&mut self, crowd: &mut Crowd, pair: usize) -> Result<(), Trouble> {
        let here = &mut self.pairs[pair];
        here.stage = Stage::HangingUp;
        crowd.request(
            2 * pair + here.caller,
            ClientMessage::Hangup(Hangup { call: here.call }),
        )
    }

    /// Does what a message asks for.
    pub fn hear(&mut self, crowd: &mut Crowd, client: usize, note: &Note) -> Result<Step, Trouble> {
        if let Some(refusal) = &note.refusal {
            return Err(Trouble::Refused(refusal.clone()));
        }
        self.take_time(note);
        let (pair, side) = (client / 2, client % 2);
        match note.kind {
            Kind::Joined => self.joined(crowd, pair, side, note)?,
            Kind::Ring => self.ring(crowd, client, note)?,
            Kind::Connection => {
                self.pairs[pair].connection = note.connection;
                self.describe(crowd, pair, side)?;
            }
            Kind::Description => self.described(crowd, pair, side)?,
            Kind::Candidates => self.pairs[pair].candidates[side] = true,
            Kind::Ended | Kind::Error | Kind::Other => {}
        }
        Ok(self.step(crowd, pair, note))
    }

    /// Sets up the calls of all pairs, and leaves them active.
    pub fn begin_all(&mut self, crowd: &mut Crowd) -> Result<(), Trouble> {
        let mut watch = Watch::new("calls are active", self.len());
        let (mut begun, mut done) = (0, 0);
        while !watch.is_over(done)? {
            while begun < self.len() && begun < done + TOGETHER {
                self.begin(crowd, begun)?;
                begun += 1;
            }
            crowd.poll(LOOK)?;
            while let Some((client, event)) = crowd.next_event() {
                match event {
                    Event::Heard(note) => {
                        let step = self.hear(crowd, client, &note)?;
                        done += usize::from(matches!(step, Step::Active(_)));
                    }
                    Event::Lost(why) => return Err(Trouble::Ended(why)),
                    Event::Opened | Event::Resumed | Event::Reset(_) => {}
                }
            }
        }
        Ok(())
    }

    /// Sends one more description over a connection that is up; its number comes back in the stamp.
    pub fn say(&mut self, crowd: &mut Crowd, client: usize, number: u64) -> Result<(), Trouble> {
        let body = self.body(number);
        let here = &self.pairs[client / 2];
        match here.connection {
            Some(connection) => crowd.request(client, here.description(connection, body)),
            None => Ok(()),
        }
    }

    fn take_time(&mut self, note: &Note) {
        if let Some(stamp) = note.stamp {
            let now = self.begun.elapsed().as_nanos() as u64;
            self.latencies.add(now.saturating_sub(stamp.nanos));
        }
    }

    fn joined(
        &mut self,
        crowd: &mut Crowd,
        pair: usize,
        side: usize,
        note: &Note,
    ) -> Result<(), Trouble> {
        let here = &mut self.pairs[pair];
        here.seats[side] = note.you;
        if side != here.caller {
            here.connection = note.opened.map(|opened| opened.connection);
            return Ok(());
        }
        let callee = 2 * pair + 1 - side;
        match self.users.get(callee) {
            None => crowd.request(callee, here.join()),
            Some(&to) => {
                let (ring, call) = (here.ring, here.call);
                let invite = Invite {
                    ring,
                    call,
                    to,
                    media: MEDIA,
                };
                crowd.request(2 * pair + side, ClientMessage::Invite(invite))
            }
        }
    }

    fn ring(&mut self, crowd: &mut Crowd, client: usize, note: &Note) -> Result<(), Trouble> {
        let Some(ring) = note.ring else {
            return Ok(());
        };
        crowd.request(client, ClientMessage::Ringing(Ringing { ring }))?;
        crowd.request(client, ClientMessage::Accept(Accept { ring, media: MEDIA }))
    }

    /// Sends a description and all candidates.
    fn describe(&mut self, crowd: &mut Crowd, pair: usize, side: usize) -> Result<(), Trouble> {
        let (description, candidates) = (self.body(0), self.candidates()?);
        let here = &self.pairs[pair];
        let Some(connection) = here.connection else {
            return Ok(());
        };
        let client = 2 * pair + side;
        crowd.request(client, here.description(connection, description))?;
        crowd.request(
            client,
            ClientMessage::Candidates(Candidates {
                call: here.call,
                connection,
                generation: 0,
                candidates,
                end: true,
            }),
        )
    }

    /// The callee answers the offer; then either is connected.
    fn described(&mut self, crowd: &mut Crowd, pair: usize, side: usize) -> Result<(), Trouble> {
        if self.pairs[pair].stage != Stage::SettingUp {
            return Ok(());
        }
        if side != self.pairs[pair].caller {
            self.describe(crowd, pair, side)?;
        }
        let here = &mut self.pairs[pair];
        here.reported[side] = true;
        let Some(connection) = here.connection else {
            return Ok(());
        };
        crowd.request(
            2 * pair + side,
            ClientMessage::ConnectionState(ConnectionReport {
                call: here.call,
                connection,
                generation: 0,
                state: ConnectionState::Connected,
                path: Some(Path::Direct),
            }),
        )
    }

    fn step(&mut self, crowd: &Crowd, pair: usize, note: &Note) -> Step {
        let here = &mut self.pairs[pair];
        let all_answered = crowd.is_answered(2 * pair) && crowd.is_answered(2 * pair + 1);
        let all_said = here.reported == [true; 2] && here.candidates == [true; 2];
        match here.stage {
            Stage::SettingUp if all_said && all_answered => {
                here.stage = Stage::Active;
                Step::Active(pair)
            }
            Stage::HangingUp if note.kind == Kind::Ended => {
                here.stage = Stage::Idle;
                Step::Over(pair)
            }
            _ => Step::None,
        }
    }

    fn body<const MAX: usize>(&mut self, number: u64) -> Body<MAX> {
        let body = self.stamp(number) + &self.filler;
        Body::try_from(body).unwrap_or_else(|_| {
            let stamp = self.stamp(number);
            Body::try_from(stamp).expect("a stamp is short")
        })
    }

    fn candidates<const MAX: usize>(&mut self) -> Result<List<Body<MAX>, 64>, Trouble> {
        let candidates = (0..CANDIDATES).map(|_| {
            let candidate = self.stamp(0) + CANDIDATE;
            Body::try_from(candidate).map_err(Trouble::Nonsense)
        });
        let candidates = candidates.collect::<Result<Vec<_>, _>>()?;
        List::try_from(candidates).map_err(Trouble::Nonsense)
    }

    fn stamp(&mut self, number: u64) -> String {
        let nanos = self.begun.elapsed().as_nanos() as u64;
        Stamp { number, nanos }.write()
    }
}

const MEDIA: MediaState = MediaState {
    audio: true,
    video: true,
    screen: false,
    held: false,
    paused: false,
};

impl Pair {
    /// The request to join the call.
    fn join(&self) -> ClientMessage {
        self.join_with(Vec::new())
    }

    /// The same, with connections that are alive.
    fn join_with(&self, connections: Vec<AnnouncedConnection>) -> ClientMessage {
        let join = Join {
            room: self.room,
            call: self.call,
            name: name(),
            media: MEDIA,
            connections: List::try_from(connections).unwrap_or_default(),
        };
        Box::new(join).into()
    }

    /// What a client of it sends after a reset: the call as it is.
    pub fn join_again(&self, side: usize) -> ClientMessage {
        let announced = self.connection.zip(self.seats[1 - side]);
        let announced = announced.map(|(connection, peer)| AnnouncedConnection {
            connection,
            generation: 0,
            peer,
            peer_name: name(),
            polite: side != self.caller,
            state: ConnectionState::Connected,
        });
        self.join_with(announced.into_iter().collect())
    }

    fn description(
        &self,
        connection: ConnectionId,
        body: Body<{ protocol::limits::DESCRIPTION_BYTES }>,
    ) -> ClientMessage {
        ClientMessage::Description(Description {
            call: self.call,
            connection,
            generation: 0,
            body,
        })
    }
}

fn name() -> Name {
    Name::try_from("Bench".to_owned()).expect("a name")
}
