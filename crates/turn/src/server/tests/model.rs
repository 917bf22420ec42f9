//! One allocation under any sequence of requests, data and waiting, beside a model that is too
//! simple to be wrong: two maps from what was installed to when it ends. Beside both, a mirror that
//! is fed with events alone has what the model says can pass.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Permit(u8),
    Bind(u16, u8, u16),
    ChannelData(u16),
    Send(u8, u16),
    PeerData(u8, u16),
    /// To another address, or back to one that was left.
    Move(u8),
}

#[derive(Default)]
struct Model {
    now: u64,
    /// By the last byte of the peer's address.
    permissions: BTreeMap<u8, u64>,
    channels: BTreeMap<u16, ((u8, u16), u64)>,
}

impl Model {
    fn permits(&self, ip: u8) -> bool {
        self.permissions.get(&ip).is_some_and(|end| *end > self.now)
    }

    fn live_channels(&self) -> impl Iterator<Item = (u16, (u8, u16))> {
        let live = self.channels.iter().filter(|(_, (_, end))| *end > self.now);
        live.map(|(number, (peer, _))| (*number, *peer))
    }

    fn bind(&mut self, number: u16, peer: (u8, u16)) -> u16 {
        let conflicts = |(n, p): (u16, (u8, u16))| (n == number) != (p == peer);
        if self.live_channels().any(conflicts) {
            return 400;
        }
        self.channels.insert(number, (peer, self.now + 600));
        self.permissions.insert(peer.0, self.now + 300);
        0
    }

    fn peer_of(&self, number: u16) -> Option<(u8, u16)> {
        let (_, peer) = self.live_channels().find(|(n, _)| *n == number)?;
        self.permits(peer.0).then_some(peer)
    }

    fn number_of(&self, peer: (u8, u16)) -> Option<u16> {
        let found = self.live_channels().find(|(_, p)| *p == peer);
        found.map(|(number, _)| number)
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ip = 1..4_u8;
    let port = 1..3_u16;
    let number = 0x4000..0x4003_u16;
    let step = prop_oneof![
        (0..310_u64).prop_map(Step::Wait),
        ip.clone().prop_map(Step::Permit),
        (number.clone(), ip.clone(), port.clone()).prop_map(|(n, i, p)| Step::Bind(n, i, p)),
        number.prop_map(Step::ChannelData),
        (ip.clone(), port.clone()).prop_map(|(i, p)| Step::Send(i, p)),
        (ip, port).prop_map(|(i, p)| Step::PeerData(i, p)),
        (1..4_u8).prop_map(Step::Move),
    ];
    vec(step, 0..60)
}

fn name(ip: u8, port: u16) -> String {
    format!("1.1.1.{ip}:{port}")
}

/// Keeps the allocation and the nonce alive, which is not what is tested here.
fn wait(world: &mut World, alice: &mut Client, seconds: u64) {
    world.wait(seconds);
    alice.greet(world);
    assert_eq!(alice.refresh(world, 3600).code(), 0);
}

proptest! {
    #[test]
    fn permissions_and_channels_are_what_the_model_says(steps in steps()) {
        let mut world = World::new();
        let mut alice = Client::alice("198.51.100.7:4000");
        let (id, mut ticket) = alice.mobile(&mut world);
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Wait(seconds) => {
                    wait(&mut world, &mut alice, seconds);
                    model.now += seconds;
                }
                Step::Move(to) => {
                    let mut moved = alice.at(&mut world, &format!("203.0.113.{to}:4000"));
                    let response = moved.move_with(&mut world, &ticket);
                    if moved.address == alice.address {
                        prop_assert_eq!(response.code(), 400);
                        continue;
                    }
                    ticket = response.ticket();
                    // A request, so that the old address is not good any more.
                    prop_assert_eq!(moved.refresh(&mut world, 3600).code(), 0);
                    prop_assert_eq!(alice.refresh(&mut world, 3600).code(), 437);
                    moved.transaction = moved.transaction.max(alice.transaction);
                    alice = moved;
                }
                Step::Permit(ip) => {
                    prop_assert_eq!(alice.permit(&mut world, &[&name(ip, 9)]), 0);
                    model.permissions.insert(ip, model.now + 300);
                }
                Step::Bind(number, ip, port) => {
                    let bound = alice.bind(&mut world, number, &name(ip, port));
                    prop_assert_eq!(bound, model.bind(number, (ip, port)));
                }
                Step::ChannelData(number) => {
                    let expected = model.peer_of(number).map_or(Output::Nothing, |(ip, port)| {
                        Output::ToPeer(id, name(ip, port).parse().unwrap(), b"x".to_vec())
                    });
                    prop_assert_eq!(alice.send_channel_data(&mut world, number, b"x"), expected);
                }
                Step::Send(ip, port) => {
                    let sent = alice.send_indication(&mut world, &name(ip, port), b"x");
                    prop_assert_eq!(sent != Output::Nothing, model.permits(ip));
                }
                Step::PeerData(ip, port) => {
                    let came = world.send_from_peer(id, &name(ip, port), b"x");
                    let Output::ToClient(_, bytes) = came else {
                        prop_assert!(!model.permits(ip));
                        continue;
                    };
                    prop_assert!(model.permits(ip));
                    match model.number_of((ip, port)) {
                        Some(number) => prop_assert_eq!(bytes, channel_data(number, b"x")),
                        None => prop_assert_eq!(read_data(&bytes).1, b"x"),
                    }
                }
            }
            let mirrored = world.mirror.values().filter(|it| it.expires > world.now.tick);
            let mirrored = mirrored.map(|it| (it.number, it.peer)).collect::<Vec<_>>();
            let passing = model.live_channels().filter(|(_, peer)| model.permits(peer.0));
            let passing = passing.map(|(number, (ip, port))| {
                (number, name(ip, port).parse().unwrap())
            });
            prop_assert_eq!(mirrored, passing.collect::<Vec<_>>());
            prop_assert!(world.mirror.len() <= model.channels.len());
        }
        alice.refresh(&mut world, 0);
        prop_assert!(world.mirror.is_empty());
    }
}
