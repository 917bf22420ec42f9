//! One client's connection, by TCP or TLS: what it has sent and is not a whole message yet, and
//! what it was sent and has not taken yet. Both are bounded in size and in time.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::time::Duration;

use mio::net::TcpStream;
use protocol::time::Tick;
use turn::proxy_header::Endpoints;
use turn::stream::{Framer, MAX_MESSAGE, MAX_STRANGERS_MESSAGE};
use turn::{Content, FiveTuple};

use super::preamble::Preamble;
use super::stream::Stream;

/// What waits for a slow reader. Relayed packets beyond it are lost: more would only make them
/// come too late, less would lose them at every hiccup.
const DATA_ROOM: usize = 64 << 10;
/// What answers may take above that. A client that has so many to take, and takes none, is gone
/// or means no good.
const ANSWER_ROOM: usize = DATA_ROOM + (16 << 10);
/// What an empty queue may go on holding.
const KEPT: usize = 4 << 10;

/// How long a message may take from its first byte to its last, and the first one from the
/// beginning of the connection, which covers the handshake of TLS. More lets strangers hold
/// connections cheaply, less cuts off those on the worst of links.
const MESSAGE_TIME: Duration = Duration::from_secs(10);
/// How long a client without an allocation may be quiet.
const IDLE_TIME: Duration = Duration::from_secs(60);
/// How long a client may take nothing of what waits for it.
const STALL_TIME: Duration = Duration::from_secs(60);

pub(super) struct Connection {
    path: FiveTuple,
    stream: Stream,
    /// Until it is read: what a proxy says in front of everything else.
    preamble: Option<Preamble>,
    framer: Framer,
    outbox: VecDeque<u8>,
    /// Since when a message is awaited or under way.
    message_since: Option<Tick>,
    /// When the last whole message was here.
    heard: Tick,
    /// Since when the outbox waits without getting shorter.
    stalled_since: Option<Tick>,
}

/// A connection as it comes in.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) stream: Stream,
    /// Where it comes from, by the system's account, and to which address.
    pub(super) endpoints: Endpoints,
    /// Whether that is a proxy, which first says for whom it comes.
    pub(super) is_proxied: bool,
}

impl Arrival {
    /// The 5-tuple it has if no proxy says otherwise.
    pub(super) fn path(&self) -> FiveTuple {
        FiveTuple {
            client: self.endpoints.client,
            local: self.endpoints.local,
            transport: self.stream.transport(),
        }
    }
}

/// What a connection is made of.
pub(super) struct Parts {
    pub(super) stream: Stream,
    /// What has come and was not taken as a message.
    pub(super) unread: Vec<u8>,
    /// What the client has not taken yet.
    pub(super) unsent: VecDeque<u8>,
}

/// Whose connection it is.
pub(super) enum Identity {
    /// That of the address it comes from.
    AsSeen,
    /// That of the client a proxy has named.
    Said(Endpoints),
}

/// The connection is of no more use.
#[derive(Debug)]
pub(super) struct Over;

impl Connection {
    pub(super) fn new(arrival: Arrival, path: FiveTuple, now: Tick) -> Connection {
        Connection {
            path,
            stream: arrival.stream,
            preamble: arrival.is_proxied.then(Preamble::default),
            framer: Framer::default(),
            outbox: VecDeque::new(),
            message_since: Some(now),
            heard: now,
            stalled_since: None,
        }
    }

    pub(super) fn path(&self) -> FiveTuple {
        self.path
    }

    /// What tells of news.
    pub(super) fn socket(&mut self) -> &mut TcpStream {
        self.stream.socket()
    }

    /// Takes it apart: from here on it carries no messages.
    pub(super) fn into_parts(self) -> Parts {
        Parts {
            stream: self.stream,
            unread: self.framer.into_rest(),
            unsent: self.outbox,
        }
    }

    /// Gives it to somebody else: who has come by a proxy becomes known late.
    pub(super) fn set_path(&mut self, path: FiveTuple) {
        self.path = path;
    }

    /// Reads what a proxy says about the client; `None` as long as that is not known.
    pub(super) fn identify(&mut self) -> Result<Option<Identity>, Over> {
        let Some(preamble) = &mut self.preamble else {
            return Ok(Some(Identity::AsSeen));
        };
        let Some(said) = preamble.receive(self.stream.socket())? else {
            return Ok(None);
        };
        self.preamble = None;
        Ok(Some(match said {
            Some(endpoints) => Identity::Said(endpoints),
            None => Identity::AsSeen,
        }))
    }

    /// Takes what has come; `false` if nothing has.
    pub(super) fn receive(&mut self, scratch: &mut [u8], now: Tick) -> Result<bool, Over> {
        match self.stream.read(scratch) {
            Ok(0) => Err(Over),
            Ok(len) => {
                self.framer.push(&scratch[..len]);
                self.message_since.get_or_insert(now);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(_) => Err(Over),
        }
    }

    /// The next whole message.
    pub(super) fn next_message(
        &mut self,
        has_allocation: bool,
        now: Tick,
    ) -> Result<Option<&[u8]>, Over> {
        let limit = if has_allocation {
            MAX_MESSAGE
        } else {
            MAX_STRANGERS_MESSAGE
        };
        match self.framer.next_message(limit) {
            Ok(Some(message)) => {
                self.heard = now;
                self.message_since = None;
                Ok(Some(message))
            }
            Ok(None) => Ok(None),
            Err(_) => Err(Over),
        }
    }

    /// To be called when there is no whole message any more: one that has begun has its time from
    /// here on, whatever came before it.
    pub(super) fn await_rest(&mut self, now: Tick) {
        if self.framer.is_inside_message() {
            self.message_since.get_or_insert(now);
        }
    }

    /// Sends a message, or keeps what the system does not take. Data that there is no room for is
    /// lost; an answer that there is no room for is the end.
    pub(super) fn send(&mut self, message: &[u8], content: Content, now: Tick) -> Result<(), Over> {
        let room = match content {
            Content::Data => DATA_ROOM,
            Content::Answer => ANSWER_ROOM,
        };
        let sent = if self.outbox.is_empty() {
            written(self.stream.write(message))?
        } else if self.outbox.len() + message.len() <= room {
            0
        } else {
            return match content {
                Content::Data => Ok(()),
                Content::Answer => Err(Over),
            };
        };
        // Not less than the rest: half a message would put the client out of step.
        self.outbox.extend(&message[sent..]);
        if self.is_waiting() {
            self.stalled_since.get_or_insert(now);
        }
        Ok(())
    }

    /// Whether something waits for the client to take it.
    fn is_waiting(&self) -> bool {
        !self.outbox.is_empty() || self.stream.has_rest()
    }

    /// Sends what waits, as far as the system takes it.
    pub(super) fn flush(&mut self, now: Tick) -> Result<(), Over> {
        while self.is_waiting() {
            let sent = written(self.stream.write(self.outbox.as_slices().0))?;
            if sent == 0 && self.is_waiting() {
                self.stalled_since.get_or_insert(now);
                return Ok(());
            }
            self.outbox.drain(..sent);
            self.stalled_since = Some(now);
        }
        self.outbox.shrink_to(KEPT);
        self.stalled_since = None;
        Ok(())
    }

    /// Whether it has used up its time.
    pub(super) fn is_overdue(&self, has_allocation: bool, now: Tick) -> bool {
        let lasts = |since: Option<Tick>, time| {
            since.is_some_and(|since| now.saturating_since(since) >= time)
        };
        lasts(self.message_since, MESSAGE_TIME)
            || lasts(self.stalled_since, STALL_TIME)
            || (!has_allocation && lasts(Some(self.heard), IDLE_TIME))
    }
}

/// How much was written; none is no error.
pub(super) fn written(outcome: io::Result<usize>) -> Result<usize, Over> {
    match outcome {
        Ok(len) => Ok(len),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(0)
        }
        Err(_) => Err(Over),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use turn::Transport;

    use super::*;

    /// A binding request.
    const WHOLE: &[u8] = b"\0\x01\0\0\x21\x12\xa4\x42transaction!";

    fn tick(seconds: u64) -> Tick {
        Tick::from_micros(seconds * 1_000_000)
    }

    /// A connection that begins at second 100, and its other end.
    fn connection() -> (Connection, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let local = listener.local_addr().unwrap();
        let client = std::net::TcpStream::connect(local).unwrap();
        let (stream, from) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let path = path(from, local);
        let arrival = Arrival {
            stream: Stream::Tcp(TcpStream::from_std(stream)),
            endpoints: Endpoints {
                client: from,
                local,
            },
            is_proxied: false,
        };
        (Connection::new(arrival, path, tick(100)), client)
    }

    fn path(client: SocketAddr, local: SocketAddr) -> FiveTuple {
        FiveTuple {
            client,
            local,
            transport: Transport::Tcp,
        }
    }

    fn hear(connection: &mut Connection, bytes: &[u8], now: Tick) -> usize {
        connection.framer.push(bytes);
        connection.message_since.get_or_insert(now);
        let mut count = 0;
        while connection.next_message(false, now).unwrap().is_some() {
            count += 1;
        }
        connection.await_rest(now);
        count
    }

    #[test]
    fn a_message_has_ten_seconds_from_its_first_byte() {
        let (mut connection, _client) = connection();
        assert!(!connection.is_overdue(false, tick(109)));
        assert!(connection.is_overdue(false, tick(110)), "the first one");
        let (first, rest) = WHOLE.split_at(4);
        assert_eq!(
            hear(&mut connection, &[WHOLE, first].concat(), tick(105)),
            1
        );
        assert!(!connection.is_overdue(false, tick(114)));
        assert_eq!(hear(&mut connection, &rest[..4], tick(114)), 0);
        assert!(connection.is_overdue(true, tick(115)), "whoever it is");
        assert_eq!(hear(&mut connection, &rest[4..], tick(114)), 1);
        assert!(!connection.is_overdue(false, tick(173)));
    }

    #[test]
    fn who_has_no_allocation_may_be_quiet_for_a_minute() {
        let (mut connection, _client) = connection();
        assert_eq!(hear(&mut connection, WHOLE, tick(101)), 1);
        assert!(!connection.is_overdue(false, tick(160)));
        assert!(connection.is_overdue(false, tick(161)));
        assert!(!connection.is_overdue(true, tick(100_000)));
    }

    #[test]
    fn who_takes_nothing_loses_data_then_answers_end_it_and_so_does_time() {
        let (mut connection, client) = connection();
        assert_eq!(hear(&mut connection, WHOLE, tick(101)), 1);
        let packet = [9; 1200];
        for _ in 0..20_000 {
            connection.send(&packet, Content::Data, tick(101)).unwrap();
        }
        assert!(connection.outbox.len() <= DATA_ROOM);
        assert!(!connection.is_overdue(true, tick(160)));
        assert!(connection.is_overdue(true, tick(161)));
        let answers = (0..200)
            .take_while(|_| {
                let answered = connection.send(&[0; 100], Content::Answer, tick(101));
                answered.is_ok()
            })
            .count();
        assert!((160..200).contains(&answers), "{answers}");
        assert!(connection.outbox.len() <= ANSWER_ROOM);
        drop(client);
    }
}
