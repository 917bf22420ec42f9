import { beforeEach, expect, it } from 'vitest';
import { Call } from './call.ts';
import { SAMPLE_MS } from './stats.ts';
import { settle } from './testing/clock.ts';
import { FakeMedia, fakeTrack, type FakePeerConnection } from './testing/peer.ts';
import { FakeServer } from './testing/server.ts';

let server: FakeServer;
let media: FakeMedia;
let call: Call;

beforeEach(async () => {
  server = new FakeServer();
  const relay = { ice_servers: [], expires_in_ms: 1_000 };
  const table = {
    participants: [{ participant: 'ben', name: 'Ben', media: { audio: true, video: true }, online: true }],
    connections: [{ call: 'c1', connection: 'one', peer: 'ben', polite: false, generation: 0, relay_only: false, relay }],
    chat: [],
  };
  server.answer = ({ t }) => (t === 'join' ? { t: 'joined', call: 'c1', room: 'room', you: 'me', ...table } : { t: 'ok' });
  const signaling = server.signaling();
  media = new FakeMedia();
  call = new Call({
    signaling,
    door: { room: 'room' },
    name: 'Ada',
    media: { audio: true, video: true },
    tracks: { audio: fakeTrack('audio'), video: fakeTrack('video') },
    createPeerConnection: media.createPeerConnection,
    createStream: media.createStream,
    clock: server.clock,
    log: () => {},
  });
  signaling.start();
  await settle();
  await call.join();
  await settle();
  way(500, 20);
  pc().become('connected');
  await settle();
});

const pc = (): FakePeerConnection => media.made.at(-1)!;

/** What the browser says of the way out. */
function way(kbits: number, roundTripMs: number): void {
  pc().stats.set('p', {
    id: 'p',
    type: 'candidate-pair',
    selected: true,
    localCandidateId: 'l',
    remoteCandidateId: 'r',
    availableOutgoingBitrate: kbits * 1_000,
    currentRoundTripTime: roundTripMs / 1_000,
  });
  for (const id of ['l', 'r']) pc().stats.set(id, { id, type: `${id}-candidate`, candidateType: 'host' });
}

async function looks(count: number): Promise<void> {
  for (let look = 0; look < count; look++) {
    await server.clock.advance(SAMPLE_MS);
    await settle();
  }
}

const told = () => server.sockets.flatMap((socket) => socket.of('media')).map((frame) => frame['media']);
const sends = () => pc().transceivers.slice(0, 2).map(({ sender }) => sender.parameters.encodings[0]!.active);

it('pauses the picture where it takes the sound\'s place, says so, and sends it again when there is room', async () => {
  way(134, 300);
  await looks(3);
  expect(sends()).toEqual([true, false]);
  expect(call.snapshot.me.media).toEqual({ audio: true, video: true, paused: true });
  way(60, 20);
  await looks(9);
  expect(sends()).toEqual([true, true]);
  expect(call.snapshot.me.media).toEqual({ audio: true, video: true });
  expect(told()).toEqual([{ audio: true, video: true, paused: true }, { audio: true, video: true }]);
});

it('says nothing of a picture that the person has switched off', async () => {
  way(134, 300);
  await looks(3);
  await call.setTrack('video', null);
  await call.setMedia({ audio: true, video: false });
  expect(call.snapshot.me.media).toEqual({ audio: true, video: false });
  await looks(2);
  expect(told().at(-1)).toEqual({ audio: true, video: false });
});

it('tries the picture again when the network changes', async () => {
  way(134, 300);
  await looks(3);
  call.networkChanged();
  await looks(1);
  expect(sends()).toEqual([true, true]);
  expect(call.snapshot.me.media.paused).toBe(undefined);
});

const sdp = (types: string) => `v=0\nm=audio 9 UDP/TLS/RTP/SAVPF ${types}\na=rtpmap:63 red/48000/2\na=rtpmap:111 opus/48000/2\nm=video`;
const lost = (fractionLost: number) =>
  pc().stats.set('a', { id: 'a', type: 'remote-inbound-rtp', kind: 'audio', fractionLost });
const descriptions = () => server.sockets.flatMap((socket) => socket.of('description')).length;

it.each(['answer', 'offer'] as const)('sends the voice twice where it is lost, after an %s, and negotiates nothing for it', async (type) => {
  const generation = type === 'offer' ? 1 : 0;
  const body = JSON.stringify({ type, sdp: sdp('111 63') });
  server.push({ t: 'description', from: 'ben', call: 'c1', connection: 'one', generation, body });
  await settle();
  const before = descriptions();
  expect(pc().remoteDescription).toEqual({ type, sdp: sdp('111 63') });
  lost(0.1);
  await looks(1);
  expect(pc().remoteDescription).toEqual({ type, sdp: sdp('63 111') });
  expect(descriptions()).toBe(before);
  lost(0);
  await looks(11);
  expect(pc().remoteDescription).toEqual({ type, sdp: sdp('111 63') });
  expect(pc().signalingState).toBe('stable');
});

it('sends the voice once to an end that knows no other way', async () => {
  const given = 'v=0\nm=audio 9 UDP/TLS/RTP/SAVPF 111\na=rtpmap:111 opus/48000/2\nm=video';
  server.push({ t: 'description', from: 'ben', call: 'c1', connection: 'one', generation: 0, body: JSON.stringify({ type: 'answer', sdp: given }) });
  await settle();
  const before = pc().remoteDescription;
  lost(0.1);
  await looks(3);
  expect(pc().remoteDescription).toBe(before);
});
