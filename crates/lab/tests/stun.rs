//! Our STUN server tells hosts behind NATs the address that the internet sees.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use anyhow::Result;
use lab::{Server, Topology, binding};

#[test]
fn a_host_behind_a_nat_learns_its_routers_address() -> Result<()> {
    let world = Topology::Cones.build()?;
    let server = Server::start(&world.server)?;
    for (host, router) in [
        (&world.alice, &world.routers[0]),
        (&world.bob, &world.routers[1]),
    ] {
        let socket = host.udp(0)?;
        let learnt = binding(&socket, server.turn())?;
        assert_eq!(*learnt.ip(), router.address());
        assert_eq!(
            binding(&socket, server.turn())?,
            learnt,
            "the same answer twice"
        );
    }
    Ok(())
}
