//! Starts `dialtone turn` as a user would, and talks to it byte by byte.

// Every test file uses another part of this.
#![allow(dead_code)]

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, Instant};

use turn::stun::{
    Class, Integrity, Key, Message, Method, TransactionId, Writer, attribute as attr,
};

pub const REALM: &str = "example.org";

/// Long enough for a busy machine; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long silence has to last to count as no answer.
const SILENCE: Duration = Duration::from_millis(200);

/// A child that is ended with its test.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Who may use it.
const USERS: [&str; 6] = [
    "--user",
    "alice:wonder",
    "--user",
    "bob:builder",
    "--secret",
    "north",
];

/// A running `dialtone turn` with the users alice:wonder and bob:builder and the secret north.
pub struct Relay {
    pub process: Process,
    pub addresses: Vec<SocketAddr>,
    /// Those for TLS.
    pub tls_addresses: Vec<SocketAddr>,
    pub ready: String,
}

impl Relay {
    /// On 127.0.0.1, for clients and for allocations, with these arguments added.
    pub fn start(arguments: &[&str]) -> Relay {
        let here = ["--listen", "127.0.0.1:0", "--relay-ip", "127.0.0.1"];
        Relay::start_on(&[&here[..], arguments].concat())
    }

    /// On this address for clients, on both loopback addresses for allocations; may reach 127.0.0.2.
    pub fn of_both_families(listen: &str) -> Relay {
        let relay_ips = ["--relay-ip", "127.0.0.1", "--relay-ip", "::1"];
        let peers = ["--allow-peer", "127.0.0.2"];
        Relay::start_on(&[&["--listen", listen][..], &relay_ips, &peers].concat())
    }

    /// With nothing set but the users.
    pub fn start_on(arguments: &[&str]) -> Relay {
        Relay::start_from(&mut command(), arguments)
    }

    /// As [`Relay::start_on`], with a [`command`] that was changed.
    pub fn start_from(command: &mut Command, arguments: &[&str]) -> Relay {
        Relay::started(command.args(USERS).args(arguments)).0
    }

    /// As [`Relay::start_on`]; `None` if it does not start.
    pub fn try_start_on(arguments: &[&str]) -> Option<Relay> {
        let mut command = command();
        Some(Relay::try_started(command.args(USERS).args(arguments))?.0)
    }

    /// From a whole command line; with what it says on standard error, if that is piped.
    pub fn started(command: &mut Command) -> (Relay, Option<ChildStderr>) {
        Relay::try_started(command).expect("it is not ready")
    }

    fn try_started(command: &mut Command) -> Option<(Relay, Option<ChildStderr>)> {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take();
        let mut ready = String::new();
        let stdout = child.stdout.take().unwrap();
        let process = Process(child);
        BufReader::new(stdout).read_line(&mut ready).unwrap();
        let urls = ready.strip_prefix("ready ")?;
        let addresses = |scheme| {
            let urls = urls.split_whitespace();
            let addresses = urls.filter_map(|url| url.strip_prefix(scheme));
            addresses.map(|it| it.parse().unwrap()).collect()
        };
        let relay = Relay {
            process,
            addresses: addresses("turn:"),
            tls_addresses: addresses("turns:"),
            ready,
        };
        Some((relay, stderr))
    }

    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    pub fn tls_address(&self) -> SocketAddr {
        self.tls_addresses[0]
    }

    /// Kilobytes of memory the process has resident.
    pub fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.0.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.process.0.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// How many of its threads have relayed something: they have been awake since they began.
    pub fn busy_threads(&self) -> usize {
        let tasks = format!("/proc/{}/task", self.process.0.id());
        let is_busy = |task: &std::path::Path| {
            let name = std::fs::read_to_string(task.join("comm")).unwrap_or_default();
            let status = std::fs::read_to_string(task.join("status")).unwrap_or_default();
            let switches = status
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
                .and_then(|count| count.trim().parse::<u64>().ok());
            name.trim() == "relay" && switches.is_some_and(|count| count > 2)
        };
        let tasks = std::fs::read_dir(tasks).unwrap();
        tasks
            .filter(|task| is_busy(&task.as_ref().unwrap().path()))
            .count()
    }

    /// Sends a signal and waits for the end.
    pub fn end_with(&mut self, signal: &str) -> std::process::ExitStatus {
        self.signal(signal);
        self.end()
    }

    /// Waits for the end.
    pub fn end(&mut self) -> std::process::ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.0.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// `dialtone turn` without what the environment might add.
pub fn command() -> Command {
    let mut command = bare_command();
    command.args(["--realm", REALM]);
    command
}

/// As [`command`], with not even a realm.
pub fn bare_command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dialtone"));
    command.arg("turn").stderr(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DIALTONE_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command that is expected to end by itself, soon.
pub fn output(command: &mut Command) -> Output {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut process = Process(child);
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = process.0.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < 12 * PATIENCE, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    };
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    process
        .0
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut stdout)
        .unwrap();
    process
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_end(&mut stderr)
        .unwrap();
    Output {
        status,
        stdout,
        stderr,
    }
}

/// A client that does what it is told, right or wrong.
pub struct Client {
    wire: Wire,
    pub server: SocketAddr,
    username: String,
    realm: String,
    key: Key,
    pub nonce: Vec<u8>,
    transactions: u32,
}

/// What a client's messages go by.
enum Wire {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Tls(Box<RefCell<Tls>>),
}

/// What is read and written inside of TLS.
pub type Tls = rustls::StreamOwned<rustls::ClientConnection, TcpStream>;

impl Wire {
    fn send(&self, message: &[u8], server: SocketAddr) {
        match self {
            Wire::Udp(socket) => {
                socket.send_to(message, server).unwrap();
            }
            Wire::Tcp(stream) => (&mut &*stream).write_all(&padded(message)).unwrap(),
            Wire::Tls(stream) => stream.borrow_mut().write_all(&padded(message)).unwrap(),
        }
    }

    /// The next message that comes within so long, and from where.
    fn receive(&self, within: Duration) -> std::io::Result<(Vec<u8>, SocketAddr)> {
        match self {
            Wire::Udp(socket) => {
                socket.set_read_timeout(Some(within))?;
                let mut buffer = vec![0; 65_536];
                let (len, from) = socket.recv_from(&mut buffer)?;
                buffer.truncate(len);
                Ok((buffer, from))
            }
            Wire::Tcp(stream) => {
                stream.set_read_timeout(Some(within))?;
                Ok((read_message(&mut &*stream)?, stream.peer_addr()?))
            }
            Wire::Tls(stream) => {
                let mut stream = stream.borrow_mut();
                stream.sock.set_read_timeout(Some(within))?;
                Ok((read_message(&mut *stream)?, stream.sock.peer_addr()?))
            }
        }
    }
}

fn padded(message: &[u8]) -> Vec<u8> {
    let mut padded = message.to_vec();
    padded.resize(message.len().next_multiple_of(4), 0);
    padded
}

/// A message of a stream, without its padding.
fn read_message(stream: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut message = vec![0; 4];
    stream.read_exact(&mut message)?;
    let length = usize::from(u16::from_be_bytes([message[2], message[3]]));
    let len = length + if message[0] < 4 { 20 } else { 4 };
    message.resize(len.next_multiple_of(4), 0);
    stream.read_exact(&mut message[4..])?;
    assert!(message[len..].iter().all(|byte| *byte == 0), "zeros");
    message.truncate(len);
    Ok(message)
}

impl Client {
    /// As [`Client::new`], by TCP.
    pub fn by_tcp(server: SocketAddr, username: &str, password: &str) -> Client {
        Client::on_stream(TcpStream::connect(server).unwrap(), username, password)
    }

    /// The same on a connection that is there.
    pub fn on_stream(stream: TcpStream, username: &str, password: &str) -> Client {
        let server = stream.peer_addr().unwrap();
        Client::on(Wire::Tcp(stream), server, username, password)
    }

    /// As [`Client::allocated`], by TCP.
    pub fn allocated_by_tcp(
        server: SocketAddr,
        username: &str,
        password: &str,
    ) -> (Client, SocketAddr) {
        Client::by_tcp(server, username, password).with_allocation()
    }

    /// As [`Client::new`], in a TLS connection.
    pub fn by_tls(stream: Tls, username: &str, password: &str) -> Client {
        let server = stream.sock.peer_addr().unwrap();
        Client::on(
            Wire::Tls(Box::new(stream.into())),
            server,
            username,
            password,
        )
    }

    /// As [`Client::allocated`], in a TLS connection.
    pub fn allocated_by_tls(stream: Tls, username: &str, password: &str) -> (Client, SocketAddr) {
        Client::by_tls(stream, username, password).with_allocation()
    }

    fn with_allocation(mut self) -> (Client, SocketAddr) {
        let response = self.allocate();
        assert_eq!(response.code(), 0);
        let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
        (self, relayed)
    }

    /// Somebody else at the same address and port.
    pub fn as_another(&self, username: &str, password: &str) -> Client {
        let Wire::Udp(socket) = &self.wire else {
            panic!("a connection has one user");
        };
        Client {
            wire: Wire::Udp(socket.try_clone().unwrap()),
            server: self.server,
            username: username.to_owned(),
            realm: self.realm.clone(),
            key: Key::long_term(username, &self.realm, password),
            nonce: self.nonce.clone(),
            transactions: self.transactions + 0x1000_0000,
        }
    }

    /// Ends the connection of a client that came by one; at once, also when a process that is just
    /// being started still shares the socket.
    pub fn disconnect(self) {
        match self.wire {
            Wire::Udp(_) => {}
            Wire::Tcp(stream) => stream.shutdown(Shutdown::Both).unwrap(),
            Wire::Tls(stream) => stream.borrow().sock.shutdown(Shutdown::Both).unwrap(),
        }
    }

    /// The socket of a client that came by a connection.
    pub fn socket(&self) -> TcpStream {
        match &self.wire {
            Wire::Udp(_) => panic!("it has no connection"),
            Wire::Tcp(stream) => stream.try_clone().unwrap(),
            Wire::Tls(stream) => stream.borrow().sock.try_clone().unwrap(),
        }
    }

    /// The connection of a client that came by TLS.
    pub fn into_tls(self) -> Tls {
        match self.wire {
            Wire::Tls(stream) => stream.into_inner(),
            _ => panic!("it did not come by TLS"),
        }
    }

    pub fn new(server: SocketAddr, username: &str, password: &str) -> Client {
        let here = if server.is_ipv4() {
            "127.0.0.1:0"
        } else {
            "[::1]:0"
        };
        Client::at(UdpSocket::bind(here).unwrap(), server, username, password)
    }

    pub fn at(socket: UdpSocket, server: SocketAddr, username: &str, password: &str) -> Client {
        Client::on(Wire::Udp(socket), server, username, password)
    }

    fn on(wire: Wire, server: SocketAddr, username: &str, password: &str) -> Client {
        let mut client = Client {
            wire,
            server,
            username: username.to_owned(),
            realm: String::new(),
            key: Key::long_term(username, REALM, password),
            nonce: Vec::new(),
            transactions: 0,
        };
        let bare = client.bare(Method::ALLOCATE, &[]);
        let challenge = client.exchange(&bare);
        client.nonce = challenge.first(attr::NONCE).unwrap();
        client.realm = String::from_utf8(challenge.first(attr::REALM).unwrap()).unwrap();
        client.key = Key::long_term(username, &client.realm, password);
        client
    }

    /// With an allocation, whose relayed transport address is given, too.
    pub fn allocated(server: SocketAddr, username: &str, password: &str) -> (Client, SocketAddr) {
        Client::new(server, username, password).with_allocation()
    }

    pub fn send(&self, datagram: &[u8]) {
        self.wire.send(datagram, self.server);
    }

    pub fn receive(&self) -> Vec<u8> {
        let (message, from) = self.wire.receive(PATIENCE).expect("no answer");
        assert_eq!(
            from, self.server,
            "the answer comes from where the question went"
        );
        message
    }

    /// A message, if one comes before long.
    pub fn receive_soon(&self) -> Option<Vec<u8>> {
        self.wire
            .receive(SILENCE / 10)
            .ok()
            .map(|(message, _)| message)
    }

    pub fn hears_nothing(&self) -> bool {
        self.wire.receive(SILENCE).is_err()
    }

    /// Asks until there is an answer, as every client does: UDP may lose either.
    pub fn exchange(&self, datagram: &[u8]) -> Response {
        for _ in 0..20 {
            self.send(datagram);
            if let Some(response) = self.try_receive(datagram) {
                return response;
            }
        }
        panic!("no answer");
    }

    /// The answer to a request that was sent; asked again only if it got lost.
    pub fn await_answer(&self, request: &[u8]) -> Response {
        self.try_receive(request)
            .unwrap_or_else(|| self.exchange(request))
    }

    /// The answer to a request, if it comes soon. Second answers to earlier ones are passed over.
    fn try_receive(&self, request: &[u8]) -> Option<Response> {
        loop {
            let (message, from) = self.wire.receive(SILENCE).ok()?;
            assert_eq!(
                from, self.server,
                "the answer comes from where the question went"
            );
            if message[8..20] == request[8..20] {
                return Some(Response(message));
            }
        }
    }

    /// A request without credentials.
    pub fn bare(&mut self, method: Method, attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
        self.write(Class::Request, method, attributes, false)
    }

    pub fn ask(&mut self, method: Method, attributes: &[(u16, Vec<u8>)]) -> Response {
        let request = self.write(Class::Request, method, attributes, true);
        self.exchange(&request)
    }

    pub fn allocate(&mut self) -> Response {
        let request = self.allocate_request();
        self.exchange(&request)
    }

    /// For UDP, and nothing else asked.
    pub fn allocate_request(&mut self) -> Vec<u8> {
        let transport = (attr::REQUESTED_TRANSPORT, vec![17, 0, 0, 0]);
        self.write(Class::Request, Method::ALLOCATE, &[transport], true)
    }

    pub fn refresh(&mut self, seconds: u32) -> Response {
        self.ask(
            Method::REFRESH,
            &[(attr::LIFETIME, seconds.to_be_bytes().to_vec())],
        )
    }

    pub fn permit(&mut self, peer: SocketAddr) -> u16 {
        let peer = self.peer_address(peer);
        self.ask(Method::CREATE_PERMISSION, &[peer]).code()
    }

    pub fn bind(&mut self, number: u16, peer: SocketAddr) -> u16 {
        let [high, low] = number.to_be_bytes();
        let number = (attr::CHANNEL_NUMBER, vec![high, low, 0, 0]);
        let peer = self.peer_address(peer);
        self.ask(Method::CHANNEL_BIND, &[number, peer]).code()
    }

    pub fn send_indication(&mut self, peer: SocketAddr, data: &[u8]) {
        let attributes = [self.peer_address(peer), (attr::DATA, data.to_vec())];
        let indication = self.write(Class::Indication, Method::SEND, &attributes, false);
        self.send(&indication);
    }

    /// Hands the kernel several datagrams at once, each but the last of this length.
    pub fn send_segmented(&self, datagrams: &[u8], len: usize) {
        match &self.wire {
            Wire::Udp(socket) => send_segmented(socket, datagrams, len, self.server),
            _ => panic!("only UDP has datagrams"),
        }
    }

    pub fn send_channel_data(&self, number: u16, data: &[u8]) {
        self.send(&channel_data(number, data));
    }

    /// XOR-PEER-ADDRESS for the next message.
    pub fn peer_address(&self, peer: SocketAddr) -> (u16, Vec<u8>) {
        let mut value = [0; 20];
        let len = attr::write_xor_address(peer, &transaction(self.transactions + 1), &mut value);
        (attr::XOR_PEER_ADDRESS, value[..len].to_vec())
    }

    pub fn write(
        &mut self,
        class: Class,
        method: Method,
        attributes: &[(u16, Vec<u8>)],
        signed: bool,
    ) -> Vec<u8> {
        self.transactions += 1;
        let mut buffer = vec![0; 65_000];
        let transaction = transaction(self.transactions);
        let mut writer = Writer::new(&mut buffer, class, method, transaction);
        for (kind, value) in attributes {
            writer.attribute(*kind, value);
        }
        if signed {
            writer
                .attribute(attr::USERNAME, self.username.as_bytes())
                .attribute(attr::REALM, self.realm.as_bytes())
                .attribute(attr::NONCE, &self.nonce)
                .integrity(Integrity::Sha1, &self.key);
        }
        let len = writer.finish().unwrap();
        buffer.truncate(len);
        buffer
    }
}

/// Hands the kernel several datagrams at once, each but the last of this length.
pub fn send_segmented(socket: &UdpSocket, datagrams: &[u8], len: usize, to: SocketAddr) {
    use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};
    use std::os::fd::AsRawFd as _;
    let sent = sendmsg(
        socket.as_raw_fd(),
        &[std::io::IoSlice::new(datagrams)],
        &[ControlMessage::UdpGsoSegments(&(len as u16))],
        MsgFlags::empty(),
        Some(&SockaddrStorage::from(to)),
    );
    assert_eq!(sent, Ok(datagrams.len()));
}

/// A response, or an indication, as it came.
pub struct Response(pub Vec<u8>);

impl Response {
    pub fn message(&self) -> Message<'_> {
        Message::parse(&self.0).unwrap()
    }

    /// The error code, or 0 for success.
    pub fn code(&self) -> u16 {
        match self.first(attr::ERROR_CODE) {
            Some(value) => u16::from(value[2]) * 100 + u16::from(value[3]),
            None => 0,
        }
    }

    pub fn first(&self, kind: u16) -> Option<Vec<u8>> {
        self.message().first(kind).map(<[u8]>::to_vec)
    }

    pub fn address(&self, kind: u16) -> Option<SocketAddr> {
        attr::read_xor_address(&self.first(kind)?, &self.message().transaction())
    }
}

pub fn channel_data(number: u16, data: &[u8]) -> Vec<u8> {
    let header = turn::channel_data::ChannelData::header(number, data.len()).unwrap();
    [&header[..], data].concat()
}

/// Another machine, as far as the relay can tell.
pub fn peer(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

pub fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_536];
    let (len, from) = socket.recv_from(&mut buffer).expect("nothing came");
    buffer.truncate(len);
    (buffer, from)
}

fn transaction(number: u32) -> TransactionId {
    let mut id = [0x33; 12];
    id[8..].copy_from_slice(&number.to_be_bytes());
    TransactionId(id)
}

/// Indications and ChannelData of every size reach a peer of 127.0.0.2/31 and come back, whatever
/// the client came by.
pub fn data_goes_both_ways(mut alice: Client, relayed: SocketAddr) {
    let peer = peer("127.0.0.2:0");
    let peer_address = peer.local_addr().unwrap();
    assert_eq!(alice.permit(peer_address), 0);
    for len in [0, 1, 3, 172, 1200, 9000, 60_000] {
        let data: Vec<u8> = (0..len).map(|n| n as u8).collect();
        alice.send_indication(peer_address, &data);
        assert_eq!(receive(&peer), (data.clone(), relayed));
        peer.send_to(&data, relayed).unwrap();
        let came = Response(alice.receive());
        assert_eq!(came.address(attr::XOR_PEER_ADDRESS), Some(peer_address));
        assert_eq!(came.first(attr::DATA), Some(data));
    }
    assert_eq!(alice.bind(0x4abc, peer_address), 0);
    for len in [0, 1, 2, 3, 172, 1200, 9000, 65_000] {
        let data: Vec<u8> = (0..len).map(|n| n as u8).collect();
        alice.send_channel_data(0x4abc, &data);
        assert_eq!(receive(&peer), (data.clone(), relayed));
        peer.send_to(&data, relayed).unwrap();
        assert_eq!(alice.receive(), channel_data(0x4abc, &data));
    }
}

/// Two relayed clients reach each other by channels at each other's relayed address.
pub fn they_hear_each_other(
    (mut alice, at_alice): (Client, SocketAddr),
    (mut bob, at_bob): (Client, SocketAddr),
) {
    assert_eq!(alice.bind(0x4000, at_bob), 0);
    assert_eq!(bob.bind(0x4001, at_alice), 0);
    alice.send_channel_data(0x4000, b"hello");
    assert_eq!(bob.receive(), channel_data(0x4001, b"hello"));
    bob.send_channel_data(0x4001, b"hello yourself");
    assert_eq!(alice.receive(), channel_data(0x4000, b"hello yourself"));
}

/// Twenty clients with connections take nothing of what a peer sends them. Each may cost the relay
/// so many kilobytes, and what one gets in the end is whole.
pub fn who_never_reads_costs_little(
    relay: &Relay,
    come: impl Fn() -> (Client, SocketAddr),
    kilobytes: u64,
) {
    let peer = peer("127.0.0.2:0");
    let mut deaf: Vec<(Client, SocketAddr)> = (0..20).map(|_| come()).collect();
    for (client, _) in &mut deaf {
        assert_eq!(client.bind(0x4000, peer.local_addr().unwrap()), 0);
    }
    let flood = |(_, relayed): &(Client, SocketAddr)| {
        for n in 0..4000_u32 {
            peer.send_to(&[n as u8; 1200], relayed).unwrap();
            if n % 50 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    };
    flood(&deaf[0]);
    let before = relay.resident();
    deaf.iter().for_each(flood);
    let after = relay.resident();
    let room = deaf.len() as u64 * kilobytes;
    assert!(
        after <= before + room,
        "{before} kB before, {after} kB after"
    );
    // What got through is whole, and in step.
    let (client, _) = &mut deaf[0];
    for _ in 0..100 {
        let came = client.receive();
        assert_eq!(came[..4], [0x40, 0, 0x04, 0xb0]);
        assert!(came[4..].iter().all(|byte| *byte == came[4]));
    }
}
