import { expect, it } from 'vitest';
import { LINES, Prepared, type Kind } from './media.ts';
import { FakeMedia, fakeTrack, type FakePeerConnection } from './testing/peer.ts';
import { askOf, parametersOf, wantOf } from './tuning.ts';

const parameters = (encoding: RTCRtpEncodingParameters = {}) =>
  ({ encodings: [encoding], transactionId: 't', codecs: [], headerExtensions: [], rtcp: {} }) as RTCRtpSendParameters;
const settled = () => new Promise((done) => setTimeout(done));

it('puts sound before a screen, and that before the camera', () => {
  const order = ['very-low', 'low', 'medium', 'high'];
  const priority = (name: (typeof LINES)[number]['name']) =>
    order.indexOf(parametersOf(name, parameters(), true).encodings[0]!.priority!);
  expect(priority('audio')).toBeGreaterThan(priority('screen'));
  expect(priority('screen')).toBeGreaterThan(priority('video'));
});

it('changes nothing else of the parameters', () => {
  const set = parametersOf('video', parameters({ rid: 'a', scaleResolutionDownBy: 2 }), true);
  expect(set).toMatchObject({ transactionId: 't', encodings: [{ rid: 'a', scaleResolutionDownBy: 2, active: true }] });
  expect(parametersOf('audio', parameters(), true).encodings[0]).not.toHaveProperty('maxBitrate');
});

it('keeps pictures back and no sound', () => {
  for (const { name, kind } of LINES) {
    expect(parametersOf(name, parameters(), false).encodings[0]!.active).toBe(kind === 'audio');
    expect(parametersOf(name, parameters({ active: false }), true).encodings[0]!.active).toBe(true);
  }
});

it('tunes every line, of the end that offers as well as of the one that answers', async () => {
  const media = new FakeMedia();
  const [offers, answers] = [0, 1].map(() => new Prepared(media, { audio: null, video: null }));
  const [a, b] = media.made as [FakePeerConnection, FakePeerConnection];
  offers!.lines.create();
  for (const { kind } of LINES) b.addTransceiver(kind satisfies Kind, { direction: 'recvonly' });
  answers!.lines.adopt();
  answers!.lines.tune();
  await settled();
  for (const { transceivers } of [a, b]) {
    const priorities = transceivers.map(({ sender }) => sender.parameters.encodings[0]?.priority);
    expect(priorities).toEqual(['high', 'low', 'medium', 'medium']);
  }
});

it('keeps back what is sent, and what is sent instead of it', async () => {
  const media = new FakeMedia();
  const { lines } = new Prepared(media, { audio: fakeTrack('audio'), video: fakeTrack('video') });
  lines.create();
  const active = async () => {
    await settled();
    return media.made[0]!.transceivers.map(({ sender }) => sender.parameters.encodings[0]!.active);
  };
  lines.show(false);
  expect(await active()).toEqual([true, false, false, true]);
  await lines.replace('video', fakeTrack('video'));
  expect(await active()).toEqual([true, false, false, true]);
  lines.show(true);
  expect(await active()).toEqual([true, true, true, true]);
});

it('goes on where a browser refuses the wish', async () => {
  const media = new FakeMedia();
  const { lines } = new Prepared(media, { audio: null, video: null });
  const pc = media.made[0]!;
  const plain = pc.addTransceiver.bind(pc);
  pc.addTransceiver = (...given) => {
    const line = plain(...given);
    line.sender.getParameters = () => {
      throw new TypeError('no such thing');
    };
    return line;
  };
  lines.create();
  await settled();
  expect(lines.open).toBe(true);
});

const SDP = [
  'v=0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 63 111',
  'a=rtpmap:63 red/48000/2',
  'a=fmtp:63 111/111',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'm=video 9 UDP/TLS/RTP/SAVPF 96',
  'a=rtpmap:96 VP8/90000',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  '',
];

it('asks for a voice that repeats itself and is silent in pauses, and for nothing of other sounds', () => {
  const asked = [...SDP];
  asked[5] = 'a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1';
  expect(askOf(SDP.join('\r\n'))).toBe(asked.join('\r\n'));
  expect(askOf(asked.join('\r\n'))).toBe(asked.join('\r\n'));
});

it('asks as well where a browser says less, or the contrary', () => {
  const given = (line: string) => SDP.map((each, place) => (place === 5 ? line : each));
  expect(askOf(given('a=fmtp:111 useinbandfec=0; maxplaybackrate=48000').join('\n')).split('\n')[5]).toBe(
    'a=fmtp:111 maxplaybackrate=48000;useinbandfec=1;usedtx=1',
  );
});

it.each(['', 'v=0\r\n', 'v=0\r\nm=audio 9 X 0\r\na=rtpmap:0 PCMU/8000\r\n', 'm=video 9 X 96\r\n'])(
  'leaves a description alone that has no such voice: %j',
  (sdp) => {
    expect(askOf(sdp)).toBe(sdp);
    expect(wantOf(sdp, true)).toBe(sdp);
  },
);

it('wants a voice twice or once, and changes nothing else', () => {
  const first = (types: string) => SDP.map((line, place) => (place === 1 ? `m=audio 9 UDP/TLS/RTP/SAVPF ${types}` : line)).join('\r\n');
  expect(wantOf(first('111 63 9 0'), true)).toBe(first('63 111 9 0'));
  expect(wantOf(first('63 111 9 0'), false)).toBe(first('111 9 0 63'));
  expect(wantOf(first('111 9 0 63'), false)).toBe(first('111 9 0 63'));
});

it('wants no more than the other end has', () => {
  const plain = SDP.filter((line) => !/red|:63 |^v/.test(line)).join('\n');
  expect(wantOf(plain, true)).toBe(plain);
});
