//! Many clients of one server, and what they ask it for.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use turn::stun::TransactionId;

use super::dialogue::{Dialogue, Refusal, Request, Step};
use super::peers::{self, Peers};
use super::poller::Poller;
use super::wire::{Sent, Transport, Wire};
use super::{Plan, Trouble};

/// Requests that wait for their answers at a time. More would overrun a server's socket buffer
/// and measure repetitions instead.
const WINDOW: usize = 32;
/// How often a client takes another port before it gives up.
const MOVES: u32 = 10;
/// How often it is looked whether a request has to be repeated.
const LOOK: Duration = Duration::from_millis(100);
/// Room for the longest UDP datagram.
pub const BUFFER: usize = 65_536;

/// All clients.
#[derive(Debug)]
pub struct Clients {
    server: SocketAddr,
    transport: Transport,
    from: IpAddr,
    clients: Vec<Client>,
    transactions: Transactions,
}

/// One of them.
#[derive(Debug)]
struct Client {
    wire: Wire,
    /// `None` if the server is a bare forwarder.
    dialogue: Option<Dialogue>,
    relayed: Option<SocketAddr>,
    /// How often it had to take another port.
    moves: u32,
}

/// What asking for something took.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Requests that had to be sent again.
    pub repeated: u32,
}

impl Clients {
    /// Opens the sockets; nothing is sent yet.
    pub fn open(plan: &Plan, poller: &Poller) -> Result<Clients, Trouble> {
        let credential = plan.credential.clone().map(Arc::new);
        let mut clients = Vec::with_capacity(plan.allocations);
        for index in 0..plan.allocations {
            let from = SocketAddr::new(plan.client_ip, 0);
            let wire = Wire::open(&plan.transport, from, plan.server)
                .map_err(|error| explain(error, plan.server, from, [index, plan.allocations]))?;
            poller.add(&wire, index as u64)?;
            clients.push(Client {
                wire,
                dialogue: credential
                    .clone()
                    .map(|credential| Dialogue::new(credential, plan.transport.is_reliable())),
                relayed: None,
                moves: 0,
            });
        }
        Ok(Clients {
            server: plan.server,
            transport: plan.transport.clone(),
            from: plan.client_ip,
            clients,
            transactions: Transactions::new()?,
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// The relayed address of a client that has an allocation.
    pub fn relayed(&self, client: usize) -> Option<SocketAddr> {
        self.clients[client].relayed
    }

    /// Sends a message of a client; whether the system took it.
    pub fn send(&mut self, client: usize, message: &[u8]) -> bool {
        matches!(self.clients[client].wire.send(message), Ok(Sent::Yes))
    }

    /// Goes on with what could not be sent whole.
    pub fn flush(&mut self) {
        for client in &mut self.clients {
            // A connection that broke loses packets, which is counted.
            let _ = client.wire.flush();
        }
    }

    /// Hands over what is there for the client with this name.
    pub fn receive(&mut self, name: u64, buffer: &mut [u8], each: impl FnMut(&[u8])) {
        if let Some(client) = self.clients.get_mut(name as usize) {
            // Errors are ICMP messages about what was sent before; the loss is counted.
            let _ = client.wire.receive(buffer, each);
        }
    }

    /// Asks for something for every client, and waits until all of it is granted.
    pub fn ask_all(
        &mut self,
        poller: &mut Poller,
        peers: &Peers,
        request: impl Fn(&Clients, usize) -> Request,
    ) -> Result<Asked, Trouble> {
        let begun = Instant::now();
        let mut asked = Asked {
            elapsed: Duration::ZERO,
            repeated: 0,
        };
        let mut buffer = vec![0; BUFFER];
        let mut waiting: Vec<usize> = Vec::with_capacity(WINDOW);
        let mut next = 0;
        let mut looked = begun;
        while next < self.len() || !waiting.is_empty() {
            while next < self.len() && waiting.len() < WINDOW {
                let request = request(self, next);
                self.ask(next, request)?;
                waiting.push(next);
                next += 1;
            }
            for name in poller.wait(LOOK)? {
                if name >= peers::NAMES {
                    peers.receive(name, &mut buffer);
                } else if self.hear(name as usize, &mut buffer, poller)? {
                    waiting.retain(|client| *client != name as usize);
                }
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                for client in &waiting {
                    asked.repeated += u32::from(self.repeat(*client, looked)?);
                }
            }
        }
        asked.elapsed = begun.elapsed();
        Ok(asked)
    }

    /// Takes another port: an earlier client had this one, and the server still knows it
    /// (RFC 8656 section 7.4).
    fn move_away(&mut self, client: usize, poller: &Poller) -> Result<(), Trouble> {
        let from = SocketAddr::new(self.from, 0);
        let wire = Wire::open(&self.transport, from, self.server)
            .map_err(|error| explain(error, self.server, from, [client, self.len()]))?;
        poller.add(&wire, client as u64)?;
        self.clients[client].wire = wire;
        self.clients[client].moves += 1;
        Ok(())
    }

    fn ask(&mut self, client: usize, request: Request) -> Result<(), Trouble> {
        let transaction = self.transactions.next();
        if let Some(dialogue) = &mut self.clients[client].dialogue {
            dialogue.ask(request, transaction, Instant::now());
        }
        self.send_request(client)
    }

    /// Sends what is open. What the system does not take now is repeated later.
    fn send_request(&mut self, client: usize) -> Result<(), Trouble> {
        let Client { wire, dialogue, .. } = &mut self.clients[client];
        if let Some(dialogue) = dialogue {
            wire.send(dialogue.request())
                .map_err(|error| Trouble::Connection(self.server, error))?;
        }
        Ok(())
    }

    fn repeat(&mut self, client: usize, now: Instant) -> Result<bool, Trouble> {
        let Some(dialogue) = &mut self.clients[client].dialogue else {
            return Ok(false);
        };
        let name = dialogue.open_request().map_or("requests", Request::name);
        let again = dialogue
            .is_overdue(now)
            .ok_or(Trouble::Silent(self.server, name))?;
        if again {
            self.send_request(client)?;
        }
        Ok(again)
    }

    /// Reads what came for a client; whether its request is granted now.
    fn hear(&mut self, index: usize, buffer: &mut [u8], poller: &Poller) -> Result<bool, Trouble> {
        let now = Instant::now();
        let Client { wire, dialogue, .. } = &mut self.clients[index];
        let Some(dialogue) = dialogue else {
            return Ok(true);
        };
        let open = dialogue.open_request();
        let mut step = Step::Ignored;
        let transactions = &mut self.transactions;
        wire.receive(buffer, |message| {
            match dialogue.handle(message, transactions.next(), now) {
                Step::Ignored => {}
                meant => step = meant,
            }
        })
        .map_err(|error| Trouble::Connection(self.server, error))?;
        match (step, open) {
            (Step::Granted(relayed), Some(Request::Allocate { .. })) => {
                let missing = Trouble::Nonsense("Allocate", "XOR-RELAYED-ADDRESS");
                self.clients[index].relayed = Some(relayed.ok_or(missing)?);
                Ok(true)
            }
            (Step::Granted(_), _) => Ok(true),
            (
                Step::Refused(Refusal { code: 437, .. }),
                Some(request @ Request::Allocate { .. }),
            ) if self.clients[index].moves < MOVES => {
                self.move_away(index, poller)?;
                self.ask(index, request).map(|()| false)
            }
            (Step::Refused(refusal), open) => Err(Trouble::Refused {
                what: open.map_or("requests", Request::name),
                client: index + 1,
                of: self.len(),
                refusal,
            }),
            (Step::Again, _) => self.send_request(index).map(|()| false),
            (Step::Ignored, _) => Ok(false),
        }
    }
}

/// Why a client has no socket; it is this one of so many.
fn explain(
    error: std::io::Error,
    server: SocketAddr,
    from: SocketAddr,
    [index, of]: [usize; 2],
) -> Trouble {
    use std::io::ErrorKind::{ConnectionRefused, ConnectionReset, TimedOut};
    match error.raw_os_error() {
        Some(nix::libc::EMFILE | nix::libc::ENFILE) => Trouble::OpenFiles(index, of + 200),
        _ if matches!(error.kind(), ConnectionRefused | ConnectionReset | TimedOut) => {
            Trouble::Connection(server, error)
        }
        _ => Trouble::Address(from, error),
    }
}

/// Transaction ids that nobody foresees and that do not repeat.
#[derive(Debug)]
struct Transactions {
    prefix: [u8; 8],
    count: u32,
}

impl Transactions {
    fn new() -> Result<Transactions, Trouble> {
        Ok(Transactions {
            prefix: super::random()?,
            count: 0,
        })
    }

    fn next(&mut self) -> TransactionId {
        let mut id = [0; 12];
        id[..8].copy_from_slice(&self.prefix);
        self.count = self.count.wrapping_add(1);
        id[8..].copy_from_slice(&self.count.to_be_bytes());
        TransactionId(id)
    }
}
