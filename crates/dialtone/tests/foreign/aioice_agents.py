"""Two ICE agents of aioice reach each other through a TURN server alone, and say hello.

Arguments: HOST PORT TRANSPORT USER PASSWORD. Prints one line, "ok" and the pair of candidates.
"""

import asyncio
import ssl
import sys

from aioice import Candidate, Connection, TransportPolicy


def agent(controlling, host, port, transport, user, password):
    """TRANSPORT is udp, tcp or tls; whose certificate it is does not matter here."""
    tls = ssl.create_default_context()
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    return Connection(
        ice_controlling=controlling,
        turn_server=(host, int(port)),
        turn_username=user,
        turn_password=password,
        turn_transport="udp" if transport == "udp" else "tcp",
        turn_ssl=transport == "tls" and tls,
        transport_policy=TransportPolicy.RELAY,
    )


async def introduce(one, other):
    """What signaling would carry."""
    await one.gather_candidates()
    other.remote_username = one.local_username
    other.remote_password = one.local_password
    for candidate in one.local_candidates:
        assert candidate.type == "relay", candidate
        await other.add_remote_candidate(Candidate.from_sdp(candidate.to_sdp()))
    await other.add_remote_candidate(None)


async def main(arguments):
    alice, bob = agent(True, *arguments), agent(False, *arguments)
    await introduce(alice, bob)
    await introduce(bob, alice)
    await asyncio.gather(alice.connect(), bob.connect())
    for size in (1, 3, 172, 1200):
        for number in range(20):
            data = bytes([number]) * size
            await alice.send(data)
            assert await bob.recv() == data
            await bob.send(data + b"!")
            assert await alice.recv() == data + b"!"
    pair = alice.local_candidates[0], bob.local_candidates[0]
    await asyncio.gather(alice.close(), bob.close())
    print("ok", *(f"{candidate.host}:{candidate.port}" for candidate in pair))


asyncio.run(asyncio.wait_for(main(sys.argv[1:]), 30))
