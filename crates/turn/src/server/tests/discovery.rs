//! NAT behaviour discovery (RFC 5780).

use super::*;

const STRANGER: &str = "198.51.100.7:4000";
const OTHER: &str = "192.0.2.9:3479";
const CHANGE: [(u8, &str); 4] = [
    (0, SERVER),
    (2, "192.0.2.1:3479"),
    (4, "192.0.2.9:3478"),
    (6, OTHER),
];

fn world() -> World {
    world_on(SERVER, OTHER)
}

fn world_on(primary: &str, alternate: &str) -> World {
    let discovery = Discovery::new(primary.parse().unwrap(), alternate.parse().unwrap());
    World::with(Config {
        discovery: Some(discovery.unwrap()),
        ..config()
    })
}

fn binding(attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let transaction = TransactionId([1; 12]);
    message(Class::Request, Method::BINDING, transaction, attributes)
}

fn change(flags: u8) -> (u16, Vec<u8>) {
    (attr::CHANGE_REQUEST, vec![0, 0, 0, flags])
}

fn response_port(port: u16) -> (u16, Vec<u8>) {
    (attr::RESPONSE_PORT, port.to_be_bytes().to_vec())
}

/// The answer, and the 5-tuple it takes.
fn ask(world: &mut World, attributes: &[(u16, Vec<u8>)]) -> Option<(FiveTuple, Response)> {
    let path = world.path(STRANGER.parse().unwrap());
    ask_on(world, path, attributes)
}

fn ask_on(
    world: &mut World,
    path: FiveTuple,
    attributes: &[(u16, Vec<u8>)],
) -> Option<(FiveTuple, Response)> {
    let request = binding(attributes);
    let range = HEADROOM..HEADROOM + request.len();
    world.buffer[range.clone()].copy_from_slice(&request);
    let action = world
        .server
        .handle_datagram(world.now, path, &mut world.buffer, range);
    match action {
        Action::ToClient { path, datagram, .. } => {
            let bytes = world.buffer[datagram].to_vec();
            Some((path, Response { bytes }))
        }
        other => {
            assert_eq!(other, Action::Nothing);
            None
        }
    }
}

fn address(response: &Response, kind: u16) -> SocketAddr {
    attr::read_address(&response.first(kind).unwrap()).unwrap()
}

/// docs/operating.md tells the operator so.
#[test]
fn a_plain_answer_is_so_many_times_as_long_as_its_request() {
    const V6: &str = "[2001:db8::1]:3478";
    let request = binding(&[]).len() as f64;
    for (primary, alternate, client, times) in [
        (SERVER, OTHER, STRANGER, 2.8),
        (V6, "[2001:db8::9]:3479", "[2001:db8::7]:4000", 4.6),
    ] {
        let mut world = world_on(primary, alternate);
        let path = FiveTuple {
            local: primary.parse().unwrap(),
            ..world.path(client.parse().unwrap())
        };
        let (_, response) = ask_on(&mut world, path, &[]).unwrap();
        assert!(response.first(attr::OTHER_ADDRESS).is_some());
        assert_eq!(response.bytes.len() as f64 / request, times);
    }
}

#[test]
fn an_answer_comes_from_where_it_is_asked_to_come_from() {
    for (flags, from) in CHANGE {
        let (path, response) = ask(&mut world(), &[change(flags)]).unwrap();
        let from: SocketAddr = from.parse().unwrap();
        assert_eq!(path.local, from);
        assert_eq!(path.client, STRANGER.parse().unwrap());
        assert_eq!(address(&response, attr::RESPONSE_ORIGIN), from);
        assert_eq!(
            address(&response, attr::OTHER_ADDRESS),
            OTHER.parse().unwrap()
        );
        let mapped = response.address(attr::XOR_MAPPED_ADDRESS);
        assert_eq!(mapped, Some(STRANGER.parse().unwrap()));
    }
}

#[test]
fn an_answer_goes_to_another_port_of_the_same_host() {
    let (path, response) = ask(&mut world(), &[response_port(5000)]).unwrap();
    assert_eq!(path.client, "198.51.100.7:5000".parse().unwrap());
    let mapped = response.address(attr::XOR_MAPPED_ADDRESS);
    assert_eq!(mapped, Some(STRANGER.parse().unwrap()));
    for server in [0, 53, 1023] {
        let (path, response) = ask(&mut world(), &[response_port(server)]).unwrap();
        assert_eq!((path.client.port(), response.code()), (4000, 400));
    }
}

#[test]
fn an_answer_is_padded_as_its_request_was_and_not_without_end() {
    for (asked, given) in [(0, 0), (100, 100), (1500, 1500), (9000, 1500)] {
        let (_, response) = ask(&mut world(), &[(attr::PADDING, vec![7; asked])]).unwrap();
        assert_eq!(response.first(attr::PADDING), Some(vec![0; given]));
    }
    let both = [(attr::PADDING, vec![7; 100]), response_port(5000)];
    let (path, response) = ask(&mut world(), &both).unwrap();
    assert_eq!((path.client.port(), response.code()), (4000, 400));
}

#[test]
fn malformed_wishes_are_400() {
    for attribute in [
        (attr::CHANGE_REQUEST, vec![0, 0, 4]),
        (attr::RESPONSE_PORT, vec![5]),
        (attr::RESPONSE_PORT, vec![5; 3]),
    ] {
        let (_, response) = ask(&mut world(), &[attribute]).unwrap();
        assert_eq!(response.code(), 400);
    }
}

#[test]
fn what_could_hit_others_is_rare() {
    let mut world = world();
    let mut answered = |attributes: &[_]| {
        let answers = (0..1000).filter_map(|_| ask(&mut world, attributes));
        answers.count()
    };
    assert_eq!(answered(&[response_port(5000)]), 100);
    assert_eq!(answered(&[change(6)]), 0, "the same rate for all");
    assert_eq!(answered(&[]), 1000, "these are what they always were");
}

#[test]
fn without_two_addresses_and_by_tcp_it_is_unknown() {
    let mut by_tcp = world();
    by_tcp.transport = Transport::Tcp;
    for mut world in [World::new(), by_tcp] {
        for attribute in [change(6), response_port(5000), (attr::PADDING, vec![0; 8])] {
            let (path, response) = ask(&mut world, &[attribute]).unwrap();
            assert_eq!(response.code(), 420);
            assert_eq!(path.local, SERVER.parse().unwrap());
            assert_eq!(response.first(attr::OTHER_ADDRESS), None);
        }
    }
}

#[test]
fn only_binding_knows_of_it() {
    let mut world = world();
    let mut alice = Client::alice(STRANGER);
    alice.greet(&mut world);
    let attributes = [transport_udp(), change(6)];
    let response = alice.ask(&mut world, Method::ALLOCATE, &attributes);
    assert_eq!(response.code(), 420);
}
