import { beforeEach, describe, expect, it } from 'vitest';
import { Call } from './call.ts';
import type { Door } from './door.ts';
import type { ConnectionOpened, Joined, Participant, ServerMessage } from './protocol.gen.ts';
import type { Signaling } from './signaling.ts';
import { settle } from './testing/clock.ts';
import { FakeMedia, fakeTrack } from './testing/peer.ts';
import { FakeServer } from './testing/server.ts';

const RING: Door = { ring: 'r1', call: 'c1' };
const BEN: Participant = { participant: 'ben', name: 'Ben', media: { audio: true, video: true }, online: true };

function opened(relay_only = false): ConnectionOpened {
  const relay = { ice_servers: [], expires_in_ms: 1_000 };
  return { call: 'c1', connection: 'one', peer: 'ben', polite: true, generation: 0, relay_only, relay };
}

function joined(relay_only = false): Joined {
  return { call: 'c1', room: 'room', you: 'me', participants: [BEN], connections: [opened(relay_only)], chat: [] };
}

let server: FakeServer;
let signaling: Signaling;
let media: FakeMedia;
let stored: Map<string, string>;

beforeEach(async () => {
  server = new FakeServer();
  server.answer = ({ t }) => (t === 'accept' || t === 'join' ? { t: 'joined', ...joined() } : { t: 'ok' });
  signaling = server.signaling();
  media = new FakeMedia();
  stored = new Map();
  signaling.start();
  await settle();
});

function newCall(door: Door): Call {
  return new Call({
    signaling,
    door,
    name: 'Ada',
    media: { audio: true, video: false },
    tracks: { audio: fakeTrack('audio'), video: null },
    createPeerConnection: media.createPeerConnection,
    createStream: media.createStream,
    memory: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, value) => void stored.set(key, value),
      removeItem: (key) => void stored.delete(key),
    },
    clock: server.clock,
    log: () => {},
  });
}

describe('answering a ring', () => {
  it('accepts with the chosen media, and sits in the call', async () => {
    const call = newCall(RING);
    expect([call.id, call.room]).toEqual(['c1', '']);
    await call.join();
    expect(server.socket.of('accept')).toMatchObject([{ ring: 'r1', media: { audio: true, video: false } }]);
    expect(server.socket.of('join')).toEqual([]);
    expect(call.snapshot).toMatchObject({ phase: 'connecting', peers: [{ name: 'Ben' }] });
    expect(call.room).toBe('room');
  });

  it('makes nothing before that', () => {
    newCall(RING);
    expect(media.made).toEqual([]);
    expect(server.socket.of('accept')).toEqual([]);
  });

  it('that came too late is refused, and touches nobody', async () => {
    server.answer = (): ServerMessage => ({ t: 'error', code: 'gone', message: 'Too late.' });
    const call = newCall(RING);
    await call.join();
    expect(call.snapshot).toMatchObject({ phase: 'refused', refusal: { code: 'gone' } });
    expect(media.made.every((pc) => pc.closed && pc.transceivers.length === 0)).toBe(true);
  });

  it('joins by its room after a reset, and a page that is loaded again finds the call by it', async () => {
    const call = newCall(RING);
    await call.join();
    await server.clock.advance(6_000);
    server.greeting = 'reset';
    server.socket.drop();
    await settle();
    expect(server.socket.of('join')).toMatchObject([{ room: 'room', call: 'c1' }]);
    expect(newCall({ room: 'room' }).id).toBe('c1');
  });

  it('is sent again after a reset when it was unanswered', async () => {
    server.answer = () => null;
    const call = newCall(RING);
    void call.join();
    await settle();
    server.answer = ({ t }) => (t === 'accept' ? { t: 'joined', ...joined() } : { t: 'ok' });
    await server.clock.advance(6_000);
    server.greeting = 'reset';
    server.socket.drop();
    await settle();
    expect(server.socket.of('accept')).toHaveLength(1);
    expect(call.snapshot.phase).toBe('connecting');
  });

  it('does not take another call for its own', async () => {
    server.answer = () => null;
    const call = newCall(RING);
    void call.join();
    await settle();
    server.push({ t: 'joined', ...joined(), call: 'c2' });
    expect(call.snapshot.phase).toBe('joining');
  });
});

it('keeps the address from a caller one does not know, if the server says so', async () => {
  server.answer = ({ t }) => (t === 'accept' ? { t: 'joined', ...joined(true) } : { t: 'ok' });
  await newCall(RING).join();
  expect(media.made[0]!.configuration.iceTransportPolicy).toBe('relay');
  server.push({ t: 'relay_credentials', call: 'c1', relay: { ice_servers: [], expires_in_ms: 1 } });
  expect(media.made[0]!.configuration.iceTransportPolicy).toBe('relay');
  expect(media.made[0]!.localDescription).toBe(null);
});

it('the answer to an invite leads into the other call without another request', async () => {
  const call = newCall({ joined: joined() });
  await call.join();
  expect(call.snapshot).toMatchObject({ phase: 'connecting', peers: [{ name: 'Ben' }] });
  expect(media.made).toHaveLength(1);
  expect(server.socket.of('join').concat(server.socket.of('accept'))).toEqual([]);
  server.push({ t: 'call_ended', call: 'c1', reason: 'hangup' });
  expect(call.snapshot.ended).toMatchObject({ reason: 'hangup' });
});

it('a call ends when its person is signed out', async () => {
  const call = newCall({ room: 'room' });
  await call.join();
  server.socket.drop(4008);
  expect(call.snapshot.ended).toMatchObject({ reason: 'signed_out' });
});
