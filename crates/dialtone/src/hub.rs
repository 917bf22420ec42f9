//! Drives the exchange: one task owns it, everything else sends it events.
//!
//! ```text
//! http::ws ──events (bounded)──► hub: exchange.handle → poll_output ──frames (bounded)──► http::ws
//!                                  │ ▲ stored, not stored
//!                          records ▼ │
//!                              store::Writer
//! ```

use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use exchange::records::Person;
use exchange::{Bearer, Config, Exchange, Input, LiveCall, Output, PushNotice, Shutdown, SocketId};
use protocol::close::CloseCode;
use protocol::id::{CallId, LoginId, Ticket, UserId};
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use crate::clock;
use crate::net::relay::Revoker;
use crate::store::Store;
use crate::store::writer::{Keep, Outcome, Patience, Writer};

/// Events that may wait for the hub. Each socket is slowed down to 20 frames a second before its
/// frames come here, so that a full queue means a busy server and not one busy client.
const EVENTS: usize = 4096;

/// Events that are handled before what follows from them is carried out. The busier the server, the
/// more of what it has to do is done once for many of them.
const BATCH: usize = 64;

/// Frames that may wait for one socket. The exchange gives up on a client that is further behind
/// than its outbox allows; this is that, and what may be sent outside it.
const FRAMES: usize = protocol::limits::OUTBOX_FRAMES + 64;

/// Bytes that may wait for one socket. A client that acknowledges what it has not read escapes
/// the limit of its outbox, and not this one.
const BYTES: usize = protocol::limits::OUTBOX_BYTES + 2 * protocol::limits::FRAME_BYTES;

/// Push messages that may wait to be sent.
const PUSHES: usize = 1024;

/// How long a server that stops waits for the store to take the last records.
const LAST_RECORDS: Duration = Duration::from_secs(5);

/// What a socket's task is told.
#[derive(Debug)]
pub enum ToSocket {
    /// Send this text frame.
    Frame(String),
    /// Close, after what came before.
    Close(CloseCode),
}

impl ToSocket {
    /// Bytes of its text.
    pub fn bytes(&self) -> usize {
        match self {
            ToSocket::Frame(text) => text.len(),
            ToSocket::Close(_) => 0,
        }
    }
}

/// The way to one socket, bounded in frames and in bytes.
#[derive(Debug)]
struct SocketSender {
    queue: mpsc::Sender<ToSocket>,
    bytes: Arc<AtomicUsize>,
}

impl SocketSender {
    /// `false`: nobody reads at the other end, or not fast enough.
    fn send(&self, message: ToSocket) -> bool {
        let bytes = message.bytes();
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        before + bytes <= BYTES && self.queue.try_send(message).is_ok()
    }
}

/// What comes for one socket.
#[derive(Debug)]
pub struct SocketReceiver {
    queue: mpsc::Receiver<ToSocket>,
    bytes: Arc<AtomicUsize>,
}

impl SocketReceiver {
    /// The next message; `None` when the hub has given the socket up.
    pub async fn receive(&mut self) -> Option<ToSocket> {
        let message = self.queue.recv().await?;
        Some(self.take(message))
    }

    /// The next message, if one is waiting.
    pub fn receive_waiting(&mut self) -> Option<ToSocket> {
        let message = self.queue.try_recv().ok()?;
        Some(self.take(message))
    }

    fn take(&self, message: ToSocket) -> ToSocket {
        self.bytes.fetch_sub(message.bytes(), Ordering::Relaxed);
        message
    }
}

/// What the hub is told.
#[derive(Debug)]
enum Event {
    Opened(SocketId, SocketSender),
    Input(Input),
    Ticket(Bearer, oneshot::Sender<Option<Ticket>>),
    Calls(oneshot::Sender<Vec<LiveCall>>),
    OnlineLogins(UserId, oneshot::Sender<BTreeSet<LoginId>>),
    Statistics(oneshot::Sender<Statistics>),
    ShutDown(Shutdown, oneshot::Sender<()>),
}

/// What is going on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics {
    /// Calls that are going on.
    pub calls: usize,
    /// Sessions that are open or can be resumed.
    pub sessions: usize,
}

/// How the rest of the server reaches the exchange.
#[derive(Clone, Debug)]
pub struct Hub {
    events: mpsc::Sender<Event>,
}

impl Hub {
    /// Starts the task that owns the exchange, with what was going on when it last ended. It ends
    /// when the last handle is dropped.
    ///
    /// What people's sleeping devices are to show comes out of the receiver. The credentials of who is
    /// put out of a call are taken back by `revoker`.
    pub async fn start(
        config: Config,
        store: &Store,
        keep: impl Keep,
        revoker: Revoker,
    ) -> anyhow::Result<(Hub, mpsc::Receiver<PushNotice>)> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let restored = store.restore(clock::now().unix_millis()).await?;
        let (writer, outcomes) = Writer::start(keep, Patience::default());
        let (events, inbox) = mpsc::channel(EVENTS);
        let (pushes, notices) = mpsc::channel(PUSHES);
        let driver = Driver {
            exchange: Exchange::new(config, seed, clock::now(), restored),
            sockets: HashMap::new(),
            pushes,
            revoker,
            writer: Some(writer),
        };
        tokio::spawn(driver.run(inbox, outcomes));
        Ok((Hub { events }, notices))
    }

    /// A socket was opened; what is to be sent on it comes out of the receiver, which ends when
    /// the hub has given the socket up.
    pub async fn open(&self, socket: SocketId) -> SocketReceiver {
        let (sender, receiver) = mpsc::channel(FRAMES);
        let bytes = Arc::new(AtomicUsize::new(0));
        let sender = SocketSender {
            queue: sender,
            bytes: bytes.clone(),
        };
        self.send(Event::Opened(socket, sender)).await;
        SocketReceiver {
            queue: receiver,
            bytes,
        }
    }

    /// Something happened on a socket.
    pub async fn input(&self, input: Input) {
        self.send(Event::Input(input)).await;
    }

    /// Somebody's ticket, unless too many are waiting.
    pub async fn ticket(&self, bearer: Bearer) -> Option<Ticket> {
        let ticket = self.ask(|answer| Event::Ticket(bearer, answer)).await;
        ticket.flatten()
    }

    /// A person is new or has changed in the store; `None`: their account is closed.
    pub async fn person_changed(&self, user: UserId, person: Option<Person>) {
        self.input(Input::Person(user, person.map(Box::new))).await;
    }

    /// A sign-in was revoked: its sockets close, and its calls end.
    pub async fn revoke(&self, login: LoginId) {
        self.input(Input::Revoked(login)).await;
    }

    /// Ends a call for everybody in it.
    pub async fn kick(&self, call: CallId) {
        self.input(Input::Kick(call)).await;
    }

    /// The calls that are going on.
    pub async fn calls(&self) -> Vec<LiveCall> {
        self.ask(Event::Calls).await.unwrap_or_default()
    }

    /// The sign-ins of somebody that are connected now.
    pub async fn online_logins(&self, user: UserId) -> BTreeSet<LoginId> {
        let logins = self.ask(|answer| Event::OnlineLogins(user, answer)).await;
        logins.unwrap_or_default()
    }

    /// What is going on now.
    pub async fn statistics(&self) -> Statistics {
        self.ask(Event::Statistics).await.unwrap_or_default()
    }

    /// Tells every client, closes every socket, and waits for the store to have everything.
    pub async fn shut_down(&self, how: Shutdown) {
        self.ask(|done| Event::ShutDown(how, done)).await;
    }

    async fn ask<T>(&self, event: impl FnOnce(oneshot::Sender<T>) -> Event) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.send(event(answer)).await;
        answered.await.ok()
    }

    async fn send(&self, event: Event) {
        // The task only ends when the server does; then nobody waits for an effect any more.
        let _ = self.events.send(event).await;
    }
}

struct Driver {
    exchange: Exchange,
    sockets: HashMap<SocketId, SocketSender>,
    pushes: mpsc::Sender<PushNotice>,
    revoker: Revoker,
    /// `None` once the server stops.
    writer: Option<Writer>,
}

impl Driver {
    async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Event>,
        mut outcomes: mpsc::UnboundedReceiver<Outcome>,
    ) {
        let mut events = Vec::with_capacity(BATCH);
        let mut alarm = pin!(sleep(Duration::ZERO));
        let mut set_for = None;
        loop {
            // 1. Let those who have something for the hub, or are told by it, go first: what they have
            //    is handled together.
            yield_now().await;
            // 2. Sleep until something happens or is due.
            let due = self.exchange.poll_timeout();
            if let Some(at) = due.filter(|_| due != set_for) {
                alarm.as_mut().reset(Instant::now() + clock::until(at));
                set_for = due;
            }
            tokio::select! {
                count = inbox.recv_many(&mut events, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    for event in events.drain(..) {
                        self.handle(event).await;
                    }
                }
                Some(outcome) = outcomes.recv() => {
                    let input = match outcome {
                        Outcome::Stored(id) => Input::Stored(id),
                        Outcome::NotStored(id) => Input::NotStored(id),
                    };
                    self.exchange.handle(clock::now(), input);
                }
                () = alarm.as_mut(), if due.is_some() => {
                    set_for = None;
                    self.exchange.handle_timeout(clock::now());
                }
            }
            // 3. Carry out what follows.
            self.carry_out();
        }
    }

    async fn handle(&mut self, event: Event) {
        let now = clock::now();
        match event {
            Event::Opened(socket, sender) => {
                self.sockets.insert(socket, sender);
                self.exchange.handle(now, Input::Opened(socket));
            }
            Event::Input(input) => {
                if let Input::Closed(socket) = &input {
                    self.sockets.remove(socket);
                }
                self.exchange.handle(now, input);
            }
            // Whoever asked may have gone away: then the answer is nobody's loss.
            Event::Ticket(bearer, answer) => {
                let _ = answer.send(self.exchange.issue_ticket(now, bearer));
            }
            Event::Calls(answer) => drop(answer.send(self.exchange.calls().collect())),
            Event::OnlineLogins(user, answer) => {
                drop(answer.send(self.exchange.online_logins(user)));
            }
            Event::Statistics(answer) => drop(answer.send(self.statistics())),
            Event::ShutDown(how, done) => {
                self.exchange.shut_down(now, how);
                self.carry_out();
                if let Some(writer) = self.writer.take() {
                    writer.finish(LAST_RECORDS).await;
                }
                let _ = done.send(());
            }
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.exchange.poll_output() {
            match output {
                Output::Send { socket, text } => self.send(socket, ToSocket::Frame(text)),
                Output::Close { socket, code } => self.send(socket, ToSocket::Close(code)),
                Output::Record(entry) => {
                    if let Some(writer) = &self.writer {
                        writer.write(entry);
                    }
                }
                Output::Push(notice) => {
                    if self.pushes.try_send(notice).is_err() {
                        tracing::warn!("too many push messages wait; one was dropped");
                    }
                }
                Output::RevokeRelay { participant, until } => {
                    self.revoker.revoke(&participant.to_string(), until);
                }
            }
        }
    }

    fn send(&mut self, socket: SocketId, message: ToSocket) {
        let sender = self.sockets.get(&socket);
        if sender.is_some_and(|sender| !sender.send(message)) {
            // It does not read. Dropping the sender ends its task, which reports the loss.
            self.sockets.remove(&socket);
        }
    }

    fn statistics(&self) -> Statistics {
        Statistics {
            calls: self.exchange.live_calls(),
            sessions: self.exchange.live_sessions(),
        }
    }
}
