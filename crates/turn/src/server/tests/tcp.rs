//! TCP between the server and peers (RFC 6062).

use super::*;
use crate::connections::MOST;

const HERE: &str = "198.51.100.7:4000";
const THERE: &str = "198.51.100.7:4001";
const PEER: &str = "1.1.1.1:80";

pub(super) fn transport_tcp() -> (u16, Vec<u8>) {
    (
        attr::REQUESTED_TRANSPORT,
        vec![attr::TRANSPORT_TCP, 0, 0, 0],
    )
}

fn world() -> World {
    let mut world = World::with(Config {
        tcp_relay: true,
        ..config()
    });
    world.transport = Transport::Tcp;
    world
}

fn is_code(output: Output, code: u16) -> bool {
    Response::of(output).code() == code
}

impl World {
    fn connected(&mut self, id: ConnectionId, outcome: Result<(), NotConnected>) -> Output {
        let action = self
            .server
            .handle_peer_connected(self.now, id, outcome, &mut self.buffer);
        self.carry_out(action)
    }

    fn accepted(&mut self, relay: AllocationId, peer: &str) -> Option<(ConnectionId, Output)> {
        let peer = peer.parse().unwrap();
        let taken = self
            .server
            .handle_peer_accepted(self.now, relay, peer, &mut self.buffer);
        let (id, action) = taken?;
        Some((id, self.carry_out(action)))
    }
}

impl Client {
    fn for_tcp(&mut self, world: &mut World) -> (AllocationId, SocketAddr) {
        let response = self.greet(world);
        let response = response.ask(world, Method::ALLOCATE, &[transport_tcp()]);
        assert_eq!(response.code(), 0);
        let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
        let id = world.server.allocations.with_relayed(&relayed).unwrap();
        (id, relayed)
    }

    fn connect(&mut self, world: &mut World, peer: &str) -> Output {
        let attributes = [peer_address(
            peer,
            TransactionId([self.transaction + 1; 12]),
        )];
        let request = self.request(Method::CONNECT, &attributes);
        world.send(self.address, &request)
    }

    fn connect_refusal(&mut self, world: &mut World, peer: &str, code: u16) {
        assert!(is_code(self.connect(world, peer), code), "{peer}");
    }

    /// A connection that was made and waits for this client.
    fn connected(&mut self, world: &mut World, peer: &str) -> ConnectionId {
        let Output::Connect(_, id, _) = self.connect(world, peer) else {
            panic!("it is refused");
        };
        let answer = Response::of(world.connected(id, Ok(())));
        assert_eq!(answer.code(), 0);
        assert!(answer.is_signed_by(&self.key));
        assert_eq!(
            answer.first(attr::CONNECTION_ID),
            Some(id.to_bytes().to_vec())
        );
        id
    }

    fn bind_connection(&mut self, world: &mut World, id: ConnectionId) -> Output {
        let attributes = [(attr::CONNECTION_ID, id.to_bytes().to_vec())];
        let request = self.request(Method::CONNECTION_BIND, &attributes);
        world.send(self.address, &request)
    }

    fn joins(&mut self, world: &mut World, id: ConnectionId) {
        match self.bind_connection(world, id) {
            Output::Join(client, joined, bytes) => {
                assert_eq!((client, joined), (self.address, id));
                let response = Response { bytes };
                assert!(response.code() == 0 && response.is_signed_by(&self.key));
            }
            other => panic!("no join but {other:?}"),
        }
    }
}

#[test]
fn a_client_connects_and_comes_for_the_connection() {
    let mut world = world();
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.for_tcp(&mut world);
    let Output::Connect(relay, connection, to) = alice.connect(&mut world, PEER) else {
        panic!("it is refused");
    };
    assert_eq!((relay, to), (id, PEER.parse().unwrap()));
    alice.connect_refusal(&mut world, PEER, 446);
    assert!(is_code(world.connected(connection, Ok(())), 0));
    alice.connect_refusal(&mut world, PEER, 446);
    let mut data = Client::alice(THERE);
    data.greet(&mut world).joins(&mut world, connection);
    alice.connect_refusal(&mut world, PEER, 446);
    world.wait(500);
    assert!(world.closed_peers.is_empty());
    world.server.handle_peer_closed(connection);
    assert!(matches!(
        alice.connect(&mut world, PEER),
        Output::Connect(..)
    ));
}

#[test]
fn what_asks_for_datagrams_is_400_and_where_it_is_off_442() {
    let reserved = (attr::RESERVATION_TOKEN, vec![0; 8]);
    for excluded in [
        (attr::EVEN_PORT, vec![0]),
        (attr::DONT_FRAGMENT, vec![]),
        reserved,
    ] {
        let mut world = world();
        let mut alice = Client::alice(HERE);
        let attributes = [transport_tcp(), excluded];
        let response = alice.greet(&mut world);
        let response = response.ask(&mut world, Method::ALLOCATE, &attributes);
        assert_eq!(response.code(), 400);
    }
    for (is_on, transport, code) in [
        (true, Transport::Udp, 400),
        (true, Transport::Tls, 0),
        (false, Transport::Tcp, 442),
    ] {
        let mut world = world();
        world.server.tcp_relay = is_on;
        world.transport = transport;
        let mut alice = Client::alice(HERE);
        let response = alice.greet(&mut world);
        let response = response.ask(&mut world, Method::ALLOCATE, &[transport_tcp()]);
        assert_eq!(response.code(), code);
    }
}

#[test]
fn connect_is_437_443_400_and_403_as_it_deserves() {
    let mut world = world();
    let mut alice = Client::alice(HERE);
    alice.greet(&mut world);
    alice.connect_refusal(&mut world, PEER, 437);
    let (_, relayed) = alice.for_tcp(&mut world);
    alice.connect_refusal(&mut world, "[2606:4700::1]:80", 443);
    alice.connect_refusal(&mut world, "1.1.1.1:0", 400);
    let response = alice.ask(&mut world, Method::CONNECT, &[]);
    assert_eq!(response.code(), 400);
    for denied in ["10.0.0.1:80", "127.0.0.1:80", SERVER, "192.0.2.1:9"] {
        alice.connect_refusal(&mut world, denied, 403);
    }
    alice.connect_refusal(&mut world, &relayed.to_string(), 403);

    let mut bob = Client::new("198.51.100.8:4000", "bob", "builder");
    let (_, for_datagrams) = bob.allocated(&mut world);
    alice.connect_refusal(&mut world, &for_datagrams.to_string(), 403);
    bob.connect_refusal(&mut world, PEER, 400);
    let mut carol = Client::alice("198.51.100.9:4000");
    let (_, for_tcp) = carol.for_tcp(&mut world);
    assert!(matches!(
        alice.connect(&mut world, &for_tcp.to_string()),
        Output::Connect(..)
    ));
}

#[test]
fn nothing_of_datagrams_works_with_it() {
    let mut world = world();
    let mut alice = Client::alice(HERE);
    let (id, relayed) = alice.for_tcp(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 400);
    assert_eq!(alice.permit(&mut world, &[PEER]), 0);
    assert_eq!(
        alice.send_indication(&mut world, PEER, b"x"),
        Output::Nothing
    );
    assert_eq!(world.send_from_peer(id, PEER, b"x"), Output::Nothing);
    let mut bob = Client::new("198.51.100.8:4000", "bob", "builder");
    bob.allocated(&mut world);
    let relayed = relayed.to_string();
    assert_eq!(alice.permit(&mut world, &[RELAY_V4]), 0);
    assert_eq!(bob.permit(&mut world, &[RELAY_V4]), 0);
    assert_eq!(bob.bind(&mut world, 0x4000, &relayed), 403);
    assert_eq!(
        bob.send_indication(&mut world, &relayed, b"x"),
        Output::Nothing
    );
}

#[test]
fn what_fails_or_takes_thirty_seconds_is_447() {
    let mut world = world();
    let mut alice = Client::alice(HERE);
    alice.for_tcp(&mut world);
    for patience in [0, 30] {
        let Output::Connect(_, connection, _) = alice.connect(&mut world, PEER) else {
            panic!("it is refused");
        };
        world.wait(patience);
        let overdue = std::mem::take(&mut world.overdue_peers);
        assert_eq!(overdue.contains(&connection), patience == 30);
        assert!(is_code(world.connected(connection, Err(NotConnected)), 447));
        assert_eq!(world.connected(connection, Ok(())), Output::Nothing);
    }
    assert!(world.closed_peers.is_empty());
}

#[test]
fn who_does_not_come_within_thirty_seconds_finds_nothing() {
    let mut world = world();
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.for_tcp(&mut world);
    let mut data = Client::alice(THERE);
    data.greet(&mut world);
    let made = alice.connected(&mut world, PEER);
    assert_eq!(alice.permit(&mut world, &[PEER]), 0);
    let (taken, _) = world.accepted(id, "1.1.1.1:81").unwrap();
    world.wait(29);
    assert!(world.closed_peers.is_empty());
    world.wait(1);
    world.closed_peers.sort();
    let mut both = [made, taken];
    both.sort();
    assert_eq!(world.closed_peers, both);
    for gone in both {
        assert!(is_code(data.bind_connection(&mut world, gone), 400));
    }
}

#[test]
fn a_peer_with_a_permission_is_announced_and_no_other() {
    let mut world = world();
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.for_tcp(&mut world);
    assert_eq!(world.accepted(id, PEER), None);
    assert_eq!(alice.permit(&mut world, &[PEER]), 0);
    assert_eq!(world.accepted(id, "1.1.1.2:80"), None);
    let (connection, told) = world.accepted(id, PEER).unwrap();
    let Output::ToClient(client, bytes) = told else {
        panic!("nobody is told");
    };
    assert_eq!(client, alice.address);
    let told = Message::parse(&bytes).unwrap();
    assert_eq!(
        (told.class(), told.method()),
        (Class::Indication, Method::CONNECTION_ATTEMPT)
    );
    assert_eq!(
        told.first(attr::CONNECTION_ID),
        Some(&connection.to_bytes()[..])
    );
    let peer = told.first(attr::XOR_PEER_ADDRESS).unwrap();
    assert_eq!(
        attr::read_xor_address(peer, &told.transaction()),
        Some(PEER.parse().unwrap())
    );
    alice.connect_refusal(&mut world, PEER, 446);
    let mut data = Client::alice(THERE);
    data.greet(&mut world).joins(&mut world, connection);
    world.wait(300);
    assert_eq!(
        world.accepted(id, "1.1.1.1:81"),
        None,
        "the permission ended"
    );
    assert!(world.closed_peers.is_empty(), "what is joined goes on");
}

#[test]
fn a_connection_is_bound_once_by_its_user_on_another_connection() {
    let mut world = world();
    let mut alice = Client::alice(HERE);
    alice.for_tcp(&mut world);
    let mut data = Client::alice(THERE);
    data.greet(&mut world);
    let Output::Connect(_, unmade, _) = alice.connect(&mut world, "1.1.1.1:81") else {
        panic!("it is refused");
    };
    let connection = alice.connected(&mut world, PEER);
    let mut bob = Client::new("198.51.100.8:4000", "bob", "builder");
    bob.greet(&mut world);
    assert!(is_code(bob.bind_connection(&mut world, connection), 441));
    assert!(is_code(alice.bind_connection(&mut world, connection), 400));
    assert!(is_code(data.bind_connection(&mut world, unmade), 400));
    let response = data.ask(&mut world, Method::CONNECTION_BIND, &[]);
    assert_eq!(response.code(), 400);
    world.transport = Transport::Udp;
    assert!(is_code(data.bind_connection(&mut world, connection), 400));
    world.transport = Transport::Tls;
    data.joins(&mut world, connection);
    let mut late = Client::alice("198.51.100.7:4002");
    late.greet(&mut world);
    assert!(is_code(late.bind_connection(&mut world, connection), 400));
    let bare = message(
        Class::Request,
        Method::CONNECTION_BIND,
        TransactionId([1; 12]),
        &[(attr::CONNECTION_ID, connection.to_bytes().to_vec())],
    );
    assert!(is_code(world.send(late.address, &bare), 401));
}

/// Some clients know no other nonce, and give up at 438.
#[test]
fn the_nonce_of_the_control_connection_is_good_for_its_connections_and_nothing_else() {
    let mut world = world();
    let mut alice = Client::alice(HERE);
    alice.for_tcp(&mut world);
    let connection = alice.connected(&mut world, PEER);
    let mut data = Client::alice(THERE);
    data.nonce = alice.nonce.clone();
    assert_eq!(data.allocate(&mut world).code(), 438);
    let mut bob = Client::new("198.51.100.8:4000", "bob", "builder");
    bob.greet(&mut world);
    let own = std::mem::replace(&mut data.nonce, bob.nonce.clone());
    assert!(is_code(data.bind_connection(&mut world, connection), 438));
    data.nonce = own;
    data.joins(&mut world, connection);
}

#[test]
fn all_of_an_allocation_end_with_it() {
    let ends: [fn(&mut World, &mut Client); 3] = [
        |world, alice| assert_eq!(alice.refresh(world, 0).code(), 0),
        |world, _| world.wait(600),
        |world, alice| {
            let path = world.path(alice.address);
            world.server.handle_disconnected(path);
            world.drain();
        },
    ];
    for end in ends {
        let mut world = world();
        let mut alice = Client::alice(HERE);
        let (id, _) = alice.for_tcp(&mut world);
        let joined = alice.connected(&mut world, PEER);
        let mut data = Client::alice(THERE);
        data.greet(&mut world).joins(&mut world, joined);
        end(&mut world, &mut alice);
        assert_eq!(world.closed, [id]);
        assert_eq!(world.closed_peers, [joined]);
        assert!(
            !world
                .server
                .admit(world.now.tick, joined, Direction::ToPeer, 1)
        );
    }
}

#[test]
fn peers_that_are_denied_now_are_cut_off() {
    let mut world = world();
    let mut alice = Client::alice(HERE);
    alice.for_tcp(&mut world);
    let denied = alice.connected(&mut world, PEER);
    let Output::Connect(_, unmade, _) = alice.connect(&mut world, "1.1.1.1:81") else {
        panic!("it is refused");
    };
    alice.connected(&mut world, "8.8.8.8:80");
    let Config {
        credentials,
        limits,
        ..
    } = config();
    let peers = PeerPolicy {
        deny: vec!["1.1.1.0/24".parse().unwrap()],
        ..PeerPolicy::default()
    };
    world
        .server
        .reconfigure(world.now, credentials, peers, limits);
    world.drain();
    assert_eq!(world.closed_peers, [denied]);
    assert_eq!(world.overdue_peers, [unmade], "who waits is answered");
}

#[test]
fn an_allocation_has_so_many_and_gets_them_so_fast() {
    let mut world = world();
    let mut alice = Client::alice(HERE);
    let (id, _) = alice.for_tcp(&mut world);
    for port in 0..MOST {
        alice.connected(&mut world, &format!("1.1.1.1:{}", 1000 + port));
    }
    alice.connect_refusal(&mut world, PEER, 508);
    assert_eq!(alice.permit(&mut world, &[PEER]), 0);
    assert_eq!(world.accepted(id, PEER), None);

    let mut scanner = Client::alice(THERE);
    scanner.for_tcp(&mut world);
    let burst = Limits::DEFAULT.new_peers.burst as usize;
    let admitted = (1..=200)
        .take_while(|port| {
            let peer = format!("1.1.1.1:{port}");
            let Output::Connect(_, connection, _) = scanner.connect(&mut world, &peer) else {
                return false;
            };
            is_code(world.connected(connection, Err(NotConnected)), 447)
        })
        .count();
    assert_eq!(admitted, burst, "ports count as peers do");
}

#[test]
fn what_passes_counts_and_is_held_back_over_the_bandwidth() {
    let mut world = world();
    world.server.limits.bandwidth = 100_000;
    let mut alice = Client::alice(HERE);
    alice.for_tcp(&mut world);
    let connection = alice.connected(&mut world, PEER);
    let passed = |world: &mut World, direction| {
        (0..1000)
            .take_while(|_| {
                world
                    .server
                    .admit(world.now.tick, connection, direction, 1000)
            })
            .count()
    };
    let sent = passed(&mut world, Direction::ToPeer);
    assert_eq!(sent, 200, "two seconds' worth at once");
    assert_eq!(passed(&mut world, Direction::ToClient), 0);
    world.wait(1);
    assert_eq!(passed(&mut world, Direction::ToClient), 100);
    let status = world.server.allocations(world.now, None, 1).next().unwrap();
    assert_eq!(status.traffic.to_peers.bytes, 200_000);
    assert_eq!(status.traffic.to_client.bytes, 100_000);
    assert_eq!(world.server.counters().to_clients_bytes, 100_000);
}

#[test]
fn a_client_connection_goes_to_the_server_that_has_the_peers() {
    let mut config = config();
    config.tcp_relay = true;
    let siblings = Arc::new(Siblings::new(&config.relays));
    let mut worlds = [0, 1].map(|number| {
        let mut world = World::with(config.clone());
        let shard = Shard { number, count: 2 };
        world.server = world.server.among(siblings.clone(), shard);
        world.transport = Transport::Tcp;
        world
    });
    let [here, there] = &mut worlds;
    let mut alice = Client::alice(HERE);
    alice.for_tcp(there);
    let connection = alice.connected(there, PEER);
    let mut data = Client::alice(THERE);
    data.greet(here);
    match data.bind_connection(here, connection) {
        Output::HandOver(1, client, message) => {
            assert_eq!(client, data.address);
            assert!(matches!(
                there.send(client, &message),
                Output::Join(_, joined, _) if joined == connection
            ));
        }
        other => panic!("it stays: {other:?}"),
    }
}

#[test]
fn it_stays_with_its_connection() {
    let mut world = world();
    let mut alice = Client::alice(HERE);
    let attributes = [transport_tcp(), (attr::MOBILITY_TICKET, Vec::new())];
    let response = alice.greet(&mut world);
    let response = response.ask(&mut world, Method::ALLOCATE, &attributes);
    assert_eq!(response.code(), 0);
    assert_eq!(response.first(attr::MOBILITY_TICKET), None);
}
