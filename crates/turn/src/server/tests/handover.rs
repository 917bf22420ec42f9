//! Clients of one server whose packets arrive at another one.

use super::mobility::{hearer, mobility_ticket};
use super::siblings::twins;
use super::*;

const HERE: &str = "198.51.100.7:4000";
const THERE: &str = "203.0.113.9:5000";
const ELSEWHERE: &str = "203.0.113.10:6000";
const PEER: &str = "1.1.1.1:9";

/// What the driver does with what one world says to another.
fn hand_over(from: u16, output: Output, path: FiveTuple, to: &mut World) -> Output {
    let Output::Elsewhere(_, bytes) = output else {
        panic!("not handed over: {output:?}");
    };
    let range = HEADROOM..HEADROOM + bytes.len();
    to.buffer[range.clone()].copy_from_slice(&bytes);
    let action = to
        .server
        .handle_from_shard(to.now, from, path, &mut to.buffer, range);
    to.carry_out(action)
}

#[test]
fn a_client_whose_packets_arrive_at_a_sibling_is_handed_over() {
    let (mut here, mut there) = twins();
    let mut alice = Client::alice(HERE);
    let (id, ticket) = alice.mobile(&mut here);
    assert_eq!(alice.bind(&mut here, 0x4000, PEER), 0);

    let mut moved = alice.at(&mut there, THERE);
    let path = there.path(moved.address);
    let request = moved.request(Method::REFRESH, &[mobility_ticket(&ticket)]);
    let asked = there.send(moved.address, &request);
    assert_eq!(asked, Output::Elsewhere(0, request));
    let answered = hand_over(1, asked, path, &mut here);
    let second = Response::of(answered).ticket();
    assert_eq!(here.forwarded.get(&path), Some(&1));
    assert_eq!(here.server.arrives_at(&path), Some(1));

    there.server.forward(path, 0);
    assert!(there.server.has_allocation(&path));
    let sent = moved.send_channel_data(&mut there, 0x4000, b"x");
    let sent = hand_over(1, sent, path, &mut here);
    assert_eq!(
        sent,
        Output::ToPeer(id, PEER.parse().unwrap(), b"x".to_vec())
    );
    assert_eq!(hearer(&mut here, id), Some(moved.address));

    // Back where it is heard without a detour.
    let mut back = alice.at(&mut here, ELSEWHERE);
    back.move_with(&mut here, &second).ticket();
    assert_eq!(back.permit(&mut here, &["1.1.1.1"]), 0);
    assert_eq!(here.forwarded, BTreeMap::new());
    there.server.stop_forwarding(path, 0);
    assert_eq!(moved.refresh(&mut there, 600).code(), 437);
}

#[test]
fn an_end_ends_the_forwarding() {
    let (mut here, mut there) = twins();
    let mut alice = Client::alice(HERE);
    let (_, ticket) = alice.mobile(&mut here);
    let mut moved = alice.at(&mut there, THERE);
    let path = there.path(moved.address);
    let request = moved.request(Method::REFRESH, &[mobility_ticket(&ticket)]);
    let asked = there.send(moved.address, &request);
    let _answer = hand_over(1, asked, path, &mut here);
    assert_eq!(here.forwarded.len(), 1);
    here.wait(600);
    assert_eq!(here.forwarded, BTreeMap::new());
}

#[test]
fn the_end_of_one_of_two_leaves_the_other_what_it_is_heard_by() {
    let (mut here, _) = twins();
    let mut alice = Client::alice(HERE);
    let path = here.path(alice.address);
    let both = (attr::ADDITIONAL_ADDRESS_FAMILY, vec![2, 0, 0, 0]);
    let request = alice
        .greet(&mut here)
        .request(Method::ALLOCATE, &[transport_udp(), both]);
    // As it comes where an allocation has just ended that was heard by a sibling.
    let asked = Output::Elsewhere(0, request);
    assert_eq!(Response::of(hand_over(1, asked, path, &mut here)).code(), 0);
    for (number, forwarded) in [(2, Some(&1)), (1, None)] {
        assert_eq!(here.server.arrives_at(&path), Some(1));
        let response = alice.ask(&mut here, Method::REFRESH, &[lifetime(0), family(number)]);
        assert_eq!(response.code(), 0);
        assert_eq!(here.forwarded.get(&path), forwarded);
    }
}

#[test]
fn a_sibling_is_not_troubled_with_what_is_no_ticket_or_has_no_integrity() {
    let (mut here, mut there) = twins();
    let mut alice = Client::alice(HERE);
    let (_, ticket) = alice.mobile(&mut here);
    let mut moved = alice.at(&mut there, THERE);
    moved.move_with_refusal(&mut there, &[7; 32], 400);
    let bare = message(
        Class::Request,
        Method::REFRESH,
        TransactionId([5; 12]),
        &[mobility_ticket(&ticket)],
    );
    let response = Response::of(there.send(moved.address, &bare));
    assert_eq!(response.code(), 401);
    // A ticket of this server that is handed to it by mistake is judged here, not sent round.
    let path = there.path(moved.address);
    let request = moved.request(Method::REFRESH, &[mobility_ticket(&ticket)]);
    let asked = Output::Elsewhere(1, request);
    let response = Response::of(hand_over(0, asked, path, &mut there));
    assert_eq!(response.code(), 400);
}

#[test]
fn a_port_that_a_sibling_keeps_is_asked_for_there() {
    let (mut here, mut there) = twins();
    let mut alice = Client::alice(HERE);
    let even_and_next = (attr::EVEN_PORT, vec![0x80]);
    alice.greet(&mut here);
    let response = alice.ask(
        &mut here,
        Method::ALLOCATE,
        &[transport_udp(), even_and_next],
    );
    let relayed = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
    let token = response.first(attr::RESERVATION_TOKEN).unwrap();

    let mut second = alice.at(&mut there, THERE);
    let path = there.path(second.address);
    let attributes = [transport_udp(), (attr::RESERVATION_TOKEN, token)];
    let request = second.request(Method::ALLOCATE, &attributes);
    let asked = there.send(second.address, &request);
    assert_eq!(asked, Output::Elsewhere(0, request));
    let response = Response::of(hand_over(1, asked, path, &mut here));
    let next = response.address(attr::XOR_RELAYED_ADDRESS).unwrap();
    assert_eq!(next.port(), relayed.port() + 1);
    assert_eq!(here.forwarded.get(&path), Some(&1));
    for made_up in [[0xff; 8], [0, 1, 2, 3, 4, 5, 6, 7]] {
        let mut third = alice.at(&mut there, ELSEWHERE);
        let attributes = [transport_udp(), (attr::RESERVATION_TOKEN, made_up.to_vec())];
        let response = third.ask(&mut there, Method::ALLOCATE, &attributes);
        assert_eq!(response.code(), 508);
    }
}
