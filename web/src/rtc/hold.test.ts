import { beforeEach, expect, it } from 'vitest';
import { Call } from './call.ts';
import type { ConnectionOpened, Participant } from './protocol.gen.ts';
import { settle } from './testing/clock.ts';
import { FakeMedia, fakeTrack, type FakePeerConnection } from './testing/peer.ts';
import { FakeServer } from './testing/server.ts';

const [audio, video] = [fakeTrack('audio'), fakeTrack('video')];

let server: FakeServer;
let media: FakeMedia;
let call: Call;

function ben(held = false): Participant {
  const on = { audio: true, video: true, ...(held && { held }) };
  return { participant: 'ben', name: 'Ben', media: on, online: true };
}

function opened(connection: string): ConnectionOpened {
  const relay = { ice_servers: [], expires_in_ms: 1_000 };
  return { call: 'c1', connection, peer: 'ben', polite: false, generation: 0, relay_only: false, relay };
}

beforeEach(async () => {
  server = new FakeServer();
  const table = { participants: [ben()], connections: [opened('one')], chat: [] };
  server.answer = ({ t }) => (t === 'join' ? { t: 'joined', call: 'c1', room: 'room', you: 'me', ...table } : { t: 'ok' });
  const signaling = server.signaling();
  media = new FakeMedia();
  call = new Call({
    signaling,
    door: { room: 'room' },
    name: 'Ada',
    media: { audio: true, video: true },
    tracks: { audio, video },
    createPeerConnection: media.createPeerConnection,
    createStream: media.createStream,
    clock: server.clock,
    log: () => {},
  });
  signaling.start();
  await settle();
  await call.join();
  await settle();
  await answer('one');
});

async function answer(connection: string): Promise<void> {
  const body = JSON.stringify({ type: 'answer', sdp: 'v=0\nm=audio\nm=video' });
  server.push({ t: 'description', from: 'ben', call: 'c1', connection, generation: 0, body });
  await settle();
}

function pc(): FakePeerConnection {
  return media.made.at(-1)!;
}

/** What goes out, and whether what comes in is played. */
function flow(): { out: unknown[]; plays: boolean[] } {
  const stream = call.snapshot.peers[0]!.stream!;
  return {
    out: pc().transceivers.slice(0, 2).map((line) => line.sender.track),
    plays: stream.getTracks().map((track) => track.enabled),
  };
}

const FLOWS = { out: [audio, video], plays: [true, true] };
const RESTS = { out: [null, null], plays: [false, false] };

function benHolds(held: boolean): void {
  server.push({ t: 'participant', call: 'c1', participant: ben(held) });
}

it('on hold nothing is sent and nothing is played; off it, everything goes on', async () => {
  expect(flow()).toEqual(FLOWS);
  await call.hold(true);
  expect(flow()).toEqual(RESTS);
  expect(call.snapshot.me.media).toEqual({ audio: true, video: true, held: true });
  await call.hold(false);
  expect(flow()).toEqual(FLOWS);
  expect(server.socket.of('media').map((frame) => frame['media'])).toEqual([
    { audio: true, video: true, held: true },
    { audio: true, video: true },
  ]);
});

it('held by the other end nothing is sent or played here either', () => {
  benHolds(true);
  expect(flow()).toEqual(RESTS);
  benHolds(false);
  expect(flow()).toEqual(FLOWS);
});

it('goes on only when nobody holds it any more', async () => {
  await call.hold(true);
  benHolds(true);
  await call.hold(false);
  expect(flow()).toEqual(RESTS);
  benHolds(false);
  expect(flow()).toEqual(FLOWS);
});

it('on hold a track that is changed waits until it is taken off', async () => {
  await call.hold(true);
  const other = fakeTrack('audio');
  await call.setTrack('audio', other);
  await call.setMedia({ audio: false, video: true });
  expect(flow()).toEqual(RESTS);
  await call.hold(false);
  expect(flow().out).toEqual([other, video]);
});

it('on hold another connection carries nothing either', async () => {
  await call.hold(true);
  server.push({ t: 'connection', ...opened('two') });
  await settle();
  await answer('two');
  expect(media.made).toHaveLength(2);
  expect(flow()).toEqual(RESTS);
  await call.hold(false);
  expect(flow()).toEqual(FLOWS);
});

it('on hold a screen is not shown either', async () => {
  const screen = fakeTrack('video');
  await call.setScreen({ video: screen, audio: null });
  await call.hold(true);
  expect(pc().transceivers[2]!.sender.track).toBeNull();
  await call.hold(false);
  expect(pc().transceivers[2]!.sender.track).toBe(screen);
});

it('is told to a server that has forgotten the call', async () => {
  await call.hold(true);
  await server.clock.advance(6_000);
  server.greeting = 'reset';
  server.socket.drop();
  await settle();
  expect(server.socket.of('join')[0]!['media']).toEqual({ audio: true, video: true, held: true });
});
