//! Allocations that move with their clients (RFC 8016).

use super::*;

const HERE: &str = "198.51.100.7:4000";
const THERE: &str = "203.0.113.9:5000";
const ELSEWHERE: &str = "203.0.113.10:6000";
const PEER: &str = "1.1.1.1:9";

fn wish() -> (u16, Vec<u8>) {
    (attr::MOBILITY_TICKET, Vec::new())
}

impl Client {
    /// An allocation, its name, and a ticket to move it.
    pub(super) fn mobile(&mut self, world: &mut World) -> (AllocationId, Vec<u8>) {
        let attributes = [transport_udp(), wish()];
        let response = self.greet(world).ask(world, Method::ALLOCATE, &attributes);
        let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
        let id = world.server.allocations.with_relayed(&relayed).unwrap();
        (id, response.ticket())
    }

    /// The same client at another address, with a nonce for it.
    pub(super) fn at(&self, world: &mut World, address: &str) -> Client {
        let mut moved = self.clone();
        moved.address = address.parse().unwrap();
        moved.greet(world);
        moved
    }

    pub(super) fn move_with(&mut self, world: &mut World, ticket: &[u8]) -> Response {
        self.ask(world, Method::REFRESH, &[mobility_ticket(ticket)])
    }

    pub(super) fn move_with_refusal(&mut self, world: &mut World, ticket: &[u8], code: u16) {
        assert_eq!(self.move_with(world, ticket).code(), code);
    }
}

impl Response {
    pub(super) fn ticket(&self) -> Vec<u8> {
        assert_eq!(self.code(), 0);
        self.first(attr::MOBILITY_TICKET).unwrap()
    }
}

pub(super) fn mobility_ticket(ticket: &[u8]) -> (u16, Vec<u8>) {
    (attr::MOBILITY_TICKET, ticket.to_vec())
}

/// Who hears a peer now.
pub(super) fn hearer(world: &mut World, id: AllocationId) -> Option<SocketAddr> {
    match world.send_from_peer(id, PEER, b"x") {
        Output::ToClient(client, _) => Some(client),
        _ => None,
    }
}

#[test]
fn an_allocation_moves_with_its_permissions_and_channels() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, ticket) = alice.mobile(&mut world);
    assert!(ticket.len() >= 16, "128 bits");
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);

    let mut moved = alice.at(&mut world, THERE);
    let response = moved.move_with(&mut world, &ticket);
    assert_eq!(response.lifetime(), Some(600));
    assert_ne!(response.ticket(), ticket);
    assert_eq!(
        moved.send_channel_data(&mut world, 0x4000, b"x"),
        Output::ToPeer(id, PEER.parse().unwrap(), b"x".to_vec())
    );
    assert_eq!(hearer(&mut world, id), Some(moved.address));
    let binding = world.mirror[&(id, 0x4000)];
    assert_eq!(binding.path.client, moved.address);
    assert_eq!(
        alice.send_channel_data(&mut world, 0x4000, b"x"),
        Output::Nothing
    );
    assert_eq!(alice.refresh(&mut world, 600).code(), 437);
    assert_eq!(world.server.counters().moves, 1);
    assert_eq!(world.server.counters().allocations, 1);
}

#[test]
fn the_old_address_is_good_until_something_comes_from_the_new_one() {
    for by_request in [false, true] {
        let mut world = World::new();
        let mut alice = Client::alice(HERE);
        let (id, ticket) = alice.mobile(&mut world);
        assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
        let mut moved = alice.at(&mut world, THERE);
        moved.move_with(&mut world, &ticket).ticket();
        assert_eq!(hearer(&mut world, id), Some(alice.address));
        let sent = alice.send_channel_data(&mut world, 0x4000, b"x");
        assert_ne!(sent, Output::Nothing);
        assert_eq!(hearer(&mut world, id), Some(alice.address));
        if by_request {
            assert_eq!(moved.permit(&mut world, &["1.1.1.1"]), 0);
        } else {
            let sent = moved.send_indication(&mut world, PEER, b"x");
            assert_ne!(sent, Output::Nothing);
        }
        assert_eq!(hearer(&mut world, id), Some(moved.address));
        let sent = alice.send_channel_data(&mut world, 0x4000, b"x");
        assert_eq!(sent, Output::Nothing);
    }
}

#[test]
fn a_retransmitted_move_is_answered_the_same_and_moves_once() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, ticket) = alice.mobile(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    let mut moved = alice.at(&mut world, THERE);
    let request = moved.request(Method::REFRESH, &[mobility_ticket(&ticket)]);
    let first = Response::of(world.send(moved.address, &request));
    world.wait(29);
    let second = Response::of(world.send(moved.address, &request));
    assert_eq!(first.bytes, second.bytes);
    assert_eq!(world.server.counters().moves, 1);
    assert_eq!(hearer(&mut world, id), Some(alice.address), "no data yet");
    moved.move_with_refusal(&mut world, &ticket, 400);
}

#[test]
fn a_ticket_is_good_once_and_the_next_one_after_it() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, first) = alice.mobile(&mut world);
    let mut moved = alice.at(&mut world, THERE);
    let second = moved.move_with(&mut world, &first).ticket();
    let mut thief = alice.at(&mut world, ELSEWHERE);
    thief.move_with_refusal(&mut world, &first, 400);
    let mut again = alice.at(&mut world, ELSEWHERE);
    let third = again.move_with(&mut world, &second).ticket();
    assert_eq!(moved.refresh(&mut world, 600).code(), 437, "given up");
    moved.move_with_refusal(&mut world, &second, 400);
    assert_eq!(again.permit(&mut world, &["1.1.1.1"]), 0);
    assert_eq!(hearer(&mut world, id), Some(again.address));
    alice.move_with(&mut world, &third).ticket();
}

#[test]
fn without_a_move_a_ticket_is_refused_but_going_back_is_a_move() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, ticket) = alice.mobile(&mut world);
    alice.move_with_refusal(&mut world, &ticket, 400);
    let mut moved = alice.at(&mut world, THERE);
    let second = moved.move_with(&mut world, &ticket).ticket();
    let third = alice.move_with(&mut world, &second).ticket();
    assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 0);
    assert_eq!(hearer(&mut world, id), Some(alice.address));
    assert_eq!(moved.refresh(&mut world, 600).code(), 437);
    moved.move_with(&mut world, &third).ticket();
}

#[test]
fn a_ticket_is_good_for_its_owner_only() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, ticket) = alice.mobile(&mut world);
    alice.permit(&mut world, &["1.1.1.1"]);
    let mut bob = Client::new(THERE, "bob", "builder");
    bob.greet(&mut world);
    bob.move_with_refusal(&mut world, &ticket, 441);
    let mut guesser = Client::new(ELSEWHERE, "alice", "guess");
    guesser.greet(&mut world);
    guesser.move_with_refusal(&mut world, &ticket, 401);
    assert_eq!(hearer(&mut world, id), Some(alice.address));
    assert_eq!(world.server.counters().moves, 0);
}

#[test]
fn another_key_of_the_same_name_is_another_owner() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (_, ticket) = alice.mobile(&mut world);
    let mut credentials = Credentials::new(REALM).unwrap();
    credentials.add_user("alice", "another password");
    let limits = Limits::default();
    let now = world.now;
    world
        .server
        .reconfigure(now, credentials, PeerPolicy::default(), limits);
    let mut other = Client::new(THERE, "alice", "another password");
    other.greet(&mut world);
    other.move_with_refusal(&mut world, &ticket, 441);
    let mut moved = alice.at(&mut world, ELSEWHERE);
    moved.move_with(&mut world, &ticket).ticket();
}

#[test]
fn made_up_tickets_and_those_of_ended_allocations_are_refused() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (_, mut ticket) = alice.mobile(&mut world);
    let mut moved = alice.at(&mut world, THERE);
    for bad in [&[][..], &[1], &[0; 32], &[7; 300]] {
        moved.move_with_refusal(&mut world, bad, 400);
    }
    assert_eq!(alice.refresh(&mut world, 0).code(), 0);
    moved.move_with_refusal(&mut world, &ticket, 400);
    let (_, next) = alice.mobile(&mut world);
    assert_ne!(ticket, next, "the slot is the same");
    moved.move_with_refusal(&mut world, &ticket, 400);
    ticket[31] ^= 1;
    moved.move_with_refusal(&mut world, &ticket, 400);
}

#[test]
fn a_place_that_is_taken_is_not_moved_to() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (_, ticket) = alice.mobile(&mut world);
    let mut other = Client::alice(THERE);
    other.allocated(&mut world);
    other.move_with_refusal(&mut world, &ticket, 437);
    let mut bob = Client::new(ELSEWHERE, "bob", "builder");
    bob.allocated(&mut world);
    alice
        .at(&mut world, ELSEWHERE)
        .move_with_refusal(&mut world, &ticket, 441);
}

#[test]
fn who_did_not_ask_gets_no_ticket_and_who_asks_in_vain_405() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let response = alice.greet(&mut world).allocate(&mut world);
    assert_eq!(response.first(attr::MOBILITY_TICKET), None);
    let mut bob = Client::new(THERE, "bob", "builder");
    let attributes = [transport_udp(), mobility_ticket(b"mine")];
    bob.greet(&mut world);
    let response = bob.ask(&mut world, Method::ALLOCATE, &attributes);
    assert_eq!(response.code(), 400);

    let mut world = World::with(Config {
        mobility: false,
        ..config()
    });
    alice.greet(&mut world);
    let response = alice.ask(&mut world, Method::ALLOCATE, &[transport_udp(), wish()]);
    assert_eq!(response.code(), 405);
    alice.move_with_refusal(&mut world, &[1; 32], 405);
    assert_eq!(alice.allocate(&mut world).code(), 0);
}

#[test]
fn a_retransmitted_allocate_gets_the_same_ticket() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (_, ticket) = alice.mobile(&mut world);
    let again = alice.request_again(Method::ALLOCATE, &[transport_udp(), wish()]);
    let response = Response::of(world.send(alice.address, &again));
    assert_eq!(response.ticket(), ticket);
}

#[test]
fn a_thousand_moves_count_as_one_allocation() {
    let mut world = World::with(Config {
        limits: Limits {
            user_quota: 1,
            ..Limits::default()
        },
        ..config()
    });
    let mut alice = Client::alice(HERE);
    let (id, mut ticket) = alice.mobile(&mut world);
    for n in 0..1000 {
        if n % 500 == 0 {
            world.wait(1); // strangers get so many challenges a second
        }
        let mut moved = alice.at(&mut world, &format!("203.0.113.9:{}", 5000 + n));
        ticket = moved.move_with(&mut world, &ticket).ticket();
        moved.transaction = 0;
        alice = moved;
    }
    let mut another = Client::alice(ELSEWHERE);
    assert_eq!(another.greet(&mut world).allocate(&mut world).code(), 486);
    assert_eq!(alice.refresh(&mut world, 0).code(), 0);
    assert_eq!(world.closed, [id]);
    assert_eq!(another.allocate(&mut world).code(), 0);
}

#[test]
fn a_moving_allocation_ends_on_both_addresses() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, ticket) = alice.mobile(&mut world);
    let mut moved = alice.at(&mut world, THERE);
    let second = moved.move_with(&mut world, &ticket).ticket();
    world.wait(600);
    assert_eq!(world.closed, [id]);
    alice.greet(&mut world);
    moved.greet(&mut world);
    assert_eq!(alice.refresh(&mut world, 600).code(), 437);
    assert_eq!(moved.refresh(&mut world, 600).code(), 437);
    moved.move_with_refusal(&mut world, &second, 400);
}

#[test]
fn with_a_ticket_an_allocation_is_deleted_from_anywhere() {
    let mut world = World::new();
    let mut alice = Client::alice(HERE);
    let (id, ticket) = alice.mobile(&mut world);
    let mut moved = alice.at(&mut world, THERE);
    let attributes = [mobility_ticket(&ticket), lifetime(0)];
    let response = moved.ask(&mut world, Method::REFRESH, &attributes);
    assert_eq!((response.code(), response.lifetime()), (0, Some(0)));
    assert_eq!(response.first(attr::MOBILITY_TICKET), None);
    assert_eq!(world.closed, [id]);
}

#[test]
fn a_lost_connection_is_waited_for_if_the_client_has_a_ticket() {
    let mut world = World::new();
    world.transport = Transport::Tcp;
    let mut alice = Client::alice(HERE);
    let (id, ticket) = alice.mobile(&mut world);
    assert_eq!(alice.bind(&mut world, 0x4000, PEER), 0);
    let path = world.path(alice.address);
    world.server.handle_disconnected(path);
    assert!(!world.server.has_allocation(&path));
    assert_eq!(hearer(&mut world, id), None);
    // Somebody else's connection may come from the same address and port.
    let mut bob = Client::new(HERE, "bob", "builder");
    let (of_bob, _) = bob.allocated(&mut world);

    let mut moved = alice.at(&mut world, THERE);
    moved.move_with(&mut world, &ticket).ticket();
    assert_eq!(hearer(&mut world, id), Some(moved.address));
    assert_eq!(bob.refresh(&mut world, 600).code(), 0);
    world.server.handle_disconnected(world.path(moved.address));
    world.wait(600);
    assert_eq!(world.closed.len(), 2, "{:?}", (id, of_bob));
}

#[test]
fn of_two_connections_of_a_move_the_one_that_stays_counts() {
    for goes in [HERE, THERE] {
        let mut world = World::new();
        world.transport = Transport::Tcp;
        let mut alice = Client::alice(HERE);
        let (id, ticket) = alice.mobile(&mut world);
        assert_eq!(alice.permit(&mut world, &["1.1.1.1"]), 0);
        let mut moved = alice.at(&mut world, THERE);
        moved.move_with(&mut world, &ticket).ticket();
        world
            .server
            .handle_disconnected(world.path(goes.parse().unwrap()));
        let stays = if goes == HERE { THERE } else { HERE };
        assert_eq!(hearer(&mut world, id), Some(stays.parse().unwrap()));
    }
}
