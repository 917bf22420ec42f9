// Before the local accept nothing of the callee crosses, and no message from the other side can
// change that. Callers have listened in on telephones whose software let it.
import { beforeEach, describe, expect, it } from 'vitest';
import { Call } from './call.ts';
import type { Door } from './door.ts';
import { People } from './people.ts';
import type { RingOffer, ServerMessage } from './protocol.gen.ts';
import { Rings } from './rings.ts';
import type { Signaling } from './signaling.ts';
import { settle } from './testing/clock.ts';
import { hostileMessages } from './testing/hostile.ts';
import { FakeMedia, fakeTrack } from './testing/peer.ts';
import { FakeServer } from './testing/server.ts';

const HOSTILE = Object.entries(hostileMessages('r1', 'c1')) as [ServerMessage['t'], ServerMessage[]][];
const OFFER: RingOffer = {
  ring: 'r1',
  call: 'c1',
  from: { user: 'eve', name: 'Eve', contact: true },
  media: { audio: true, video: true },
  waiting: false,
  expires_in_ms: 45_000,
};
/** All a device says about a ring that nobody has answered; none of it carries anything of its own. */
const HARMLESS = ['hello', 'resume', 'ack', 'ping', 'pong', 'ringing', 'join'];

let server: FakeServer;
let signaling: Signaling;
let media: FakeMedia;
let rings: Rings;

beforeEach(async () => {
  server = new FakeServer();
  server.account = { user: 'me', name: 'Me', do_not_disturb: false, call_waiting: true };
  server.answer = ({ t }) => (t === 'join' ? own() : { t: 'ok' });
  signaling = server.signaling();
  media = new FakeMedia();
  new People(signaling, () => {});
  rings = new Rings({ signaling, canTake: () => true, clock: server.clock, log: () => {} });
  signaling.start();
  await settle();
});

function own(): ServerMessage {
  return { t: 'joined', call: 'own', room: 'own', you: 'me', participants: [], connections: [], chat: [] };
}

function newCall(door: Door): Call {
  return new Call({
    signaling,
    door,
    name: 'Me',
    media: { audio: true, video: true },
    tracks: { audio: fakeTrack('audio'), video: fakeTrack('video') },
    createPeerConnection: media.createPeerConnection,
    createStream: media.createStream,
    clock: server.clock,
    log: () => {},
  });
}

async function rung(): Promise<void> {
  server.push({ t: 'ring', ...OFFER });
  await settle();
  expect(rings.snapshot.rings).toHaveLength(1);
}

/** Everything this device has to send media with, and what it does with it. */
function outlets(): unknown {
  return media.made.map((pc) => ({
    configurations: pc.configurations.length,
    tracks: pc.transceivers.map((line) => [line.direction, line.sender.track]),
    local: pc.localDescription,
    remote: pc.remoteDescription,
    candidates: pc.added.length,
    restarts: pc.restarts,
  }));
}

/** What was said that could carry something of this device to the other side. */
function crossed(): string[] {
  const types = server.sockets.flatMap((socket) => socket.sent.map((frame) => frame.t));
  return types.filter((type) => !HARMLESS.includes(type));
}

/** The messages arrive, as news and as the answer to whatever was asked. */
async function hear(messages: ServerMessage[]): Promise<void> {
  for (const message of messages) {
    server.push(message);
    await settle();
    server.push(message, server.socket.of('ringing')[0]?.id);
    await settle();
  }
  await server.clock.advance(1_000);
}

describe('while it rings here', () => {
  it.each(HOSTILE)('%s makes no connection and says nothing', async (_, messages) => {
    await rung();
    await hear(messages);
    expect(media.made).toEqual([]);
    expect(crossed()).toEqual([]);
  });

  it.each(HOSTILE)('%s changes nothing in another call of this device', async (_, messages) => {
    await newCall({ room: 'own' }).join();
    await rung();
    const before = outlets();
    await hear(messages);
    expect(outlets()).toEqual(before);
    expect(crossed()).toEqual([]);
  });

  it('all of them together do neither', async () => {
    await rung();
    for (const [, messages] of HOSTILE) await hear(messages);
    expect(media.made).toEqual([]);
    expect(crossed()).toEqual([]);
  });
});

it('a door that was not gone through stays shut', async () => {
  newCall({ ring: 'r1', call: 'c1' });
  await rung();
  for (const [, messages] of HOSTILE) await hear(messages);
  expect(media.made).toEqual([]);
  expect(crossed()).toEqual([]);
});

it('after the accept the connection is made, so the above says something', async () => {
  await rung();
  const [joined] = hostileMessages('r1', 'c1').joined;
  server.answer = ({ t }) => (t === 'accept' ? joined! : { t: 'ok' });
  const call = newCall({ ring: 'r1', call: 'c1' });
  await call.join();
  await hear(hostileMessages('r1', 'c1').description);
  expect(media.made[0]!.transceivers.map((line) => line.sender.track?.kind)).toEqual(['audio', 'video']);
  expect(crossed()).toContain('description');
});
