//! Binding, and what must never be answered.

use super::*;

const STRANGER: &str = "198.51.100.7:4000";

fn binding(attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let transaction = TransactionId([1; 12]);
    message(Class::Request, Method::BINDING, transaction, attributes)
}

fn stranger() -> SocketAddr {
    STRANGER.parse().unwrap()
}

#[test]
fn a_client_learns_its_address() {
    for client in [STRANGER, "[2001:db8::7]:4000"] {
        let client: SocketAddr = client.parse().unwrap();
        let response = Response::of(World::new().send(client, &binding(&[])));
        assert_eq!(response.address(attr::XOR_MAPPED_ADDRESS), Some(client));
        assert_eq!(response.message().transaction(), TransactionId([1; 12]));
    }
}

#[test]
fn the_answer_is_at_most_1_6_times_the_request_or_2_2_times_on_ipv6() {
    let request = binding(&[]);
    let response = Response::of(World::new().send(stranger(), &request));
    assert_eq!((request.len(), response.bytes.len()), (20, 32));
    let response = Response::of(World::new().send("[2001:db8::7]:4".parse().unwrap(), &request));
    assert_eq!(response.bytes.len(), 44);
}

#[test]
fn who_sends_a_fingerprint_gets_one() {
    let mut buffer = [0; 28];
    let transaction = TransactionId([1; 12]);
    Writer::new(&mut buffer, Class::Request, Method::BINDING, transaction).fingerprint();
    let response = Response::of(World::new().send(stranger(), &buffer));
    assert!(response.message().has_fingerprint());
    let response = Response::of(World::new().send(stranger(), &binding(&[])));
    assert!(!response.message().has_fingerprint());
}

#[test]
fn a_wrong_fingerprint_is_not_answered() {
    let mut buffer = [0; 28];
    let transaction = TransactionId([1; 12]);
    Writer::new(&mut buffer, Class::Request, Method::BINDING, transaction).fingerprint();
    buffer[27] ^= 1;
    assert_eq!(World::new().send(stranger(), &buffer), Output::Nothing);
}

#[test]
fn unknown_attributes_that_have_to_be_understood_are_listed() {
    let change_request = (0x0003, vec![0; 4]);
    let optional = (0x8031, vec![0; 4]);
    let other = (0x7777, vec![]);
    let request = binding(&[change_request.clone(), optional, other, change_request]);
    let response = Response::of(World::new().send(stranger(), &request));
    assert_eq!(response.code(), 420);
    let list = response.first(attr::UNKNOWN_ATTRIBUTES);
    assert_eq!(list, Some(vec![0x00, 0x03, 0x77, 0x77]));
    assert!(response.bytes.len() * 10 <= request.len() * 16);
}

#[test]
fn optional_attributes_are_passed_over() {
    let request = binding(&[(0x8022, b"client".to_vec()), (0xc001, vec![1])]);
    assert_eq!(
        Response::of(World::new().send(stranger(), &request)).code(),
        0
    );
}

#[test]
fn indications_and_responses_are_never_answered() {
    let mut world = World::new();
    for class in [Class::Indication, Class::Success, Class::Error] {
        for method in 0..=0x00c {
            let datagram = message(class, Method(method), TransactionId([1; 12]), &[]);
            assert_eq!(world.send(stranger(), &datagram), Output::Nothing);
        }
    }
}

#[test]
fn unknown_methods_are_not_answered() {
    let datagram = message(Class::Request, Method(0x0aa), TransactionId([1; 12]), &[]);
    assert_eq!(World::new().send(stranger(), &datagram), Output::Nothing);
}

#[test]
fn sources_that_are_not_one_host_are_not_answered() {
    for source in [
        "198.51.100.7:0",
        "224.0.0.1:4000",
        "255.255.255.255:4000",
        "0.0.0.0:4000",
        "[ff02::1]:4000",
        "[::]:4000",
    ] {
        let output = World::new().send(source.parse().unwrap(), &binding(&[]));
        assert_eq!(output, Output::Nothing, "{source}");
    }
}

#[test]
fn what_is_not_stun_is_not_answered() {
    let mut world = World::new();
    let classic = [&[0, 1, 0, 0][..], &[9; 16]].concat();
    for datagram in [
        &b""[..],
        b"\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        &[0; 20],
        &classic,
        &[0x16, 0xfe, 0xfd, 0],
        &[0x80; 40],
    ] {
        assert_eq!(world.send(stranger(), datagram), Output::Nothing);
    }
}
