import { beforeEach, describe, expect, it } from 'vitest';
import { Connection } from './connection.ts';
import { Prepared, type Tracks } from './media.ts';
import { FakeClock, settle } from './testing/clock.ts';
import { FakeMedia, fakeTrack, type FakeChannel, type FakePeerConnection } from './testing/peer.ts';

type Posted = { t: string; generation: number } & Record<string, any>;

/** One end under test; what it says is kept in `posted`. */
class End {
  readonly posted: Posted[] = [];
  readonly log: string[] = [];
  readonly pc: FakePeerConnection;
  readonly connection: Connection;
  ready = true;

  constructor(clock: FakeClock, polite: boolean, tracks: Tracks = { audio: null, video: null }) {
    const media = new FakeMedia();
    const post = (t: string, generation: number, rest: object) =>
      this.posted.push({ t, generation, ...rest });
    this.connection = new Connection({
      opened: {
        call: 'call',
        connection: 'connection',
        peer: polite ? 'impolite' : 'polite',
        polite,
        generation: 0,
        relay_only: false,
        relay: { ice_servers: [{ urls: ['stun:one'] }], expires_in_ms: 1 },
      },
      prepared: new Prepared(media, tracks),
      createStream: media.createStream,
      clock,
      log: (what) => this.log.push(what),
      signals: {
        ready: () => this.ready,
        description: async (generation, body) => void post('description', generation, { body }),
        candidates: (generation, candidates, end) => post('candidates', generation, { candidates, end }),
        state: (generation, state, path) => post('state', generation, { state, path }),
        lost: () => post('lost', 0, {}),
        aside: ({ label }) => post('aside', 0, { label }),
        asideOver: ({ label }) => post('aside over', 0, { label }),
        changed: () => {},
      },
    });
    this.pc = media.made[0]!;
  }

  get channel(): FakeChannel {
    return this.pc.channels[0]!;
  }

  /** What was posted of a type since the last time. */
  take(type: string): Posted[] {
    const taken = this.posted.filter((each) => each.t === type);
    this.posted.splice(0, this.posted.length, ...this.posted.filter((each) => each.t !== type));
    return taken;
  }

  /** The types of the descriptions posted, with generations. */
  said(): string[] {
    return this.posted
      .filter((each) => each.t === 'description')
      .map((each) => `${JSON.parse(each['body']).type} ${each.generation}`);
  }
}

let clock: FakeClock;
let ada: End; // impolite
let ben: End; // polite

beforeEach(() => {
  clock = new FakeClock();
  ada = new End(clock, false, { audio: fakeTrack('audio'), video: fakeTrack('video') });
  ben = new End(clock, true, { audio: fakeTrack('audio'), video: null });
});

/** Carries the descriptions that one end has posted to the other. */
async function carry(from: End, to: End): Promise<void> {
  for (const { generation, body } of from.take('description')) to.connection.description(generation, body);
  await settle();
}

async function start(): Promise<void> {
  ada.connection.start();
  ben.connection.start();
  await settle();
}

async function connect(): Promise<void> {
  await start();
  await carry(ada, ben);
  await carry(ben, ada);
  ada.pc.become('connected');
  ben.pc.become('connected');
  await settle();
}

describe('the first offer', () => {
  it('is made at once by the impolite end alone, with all lines', async () => {
    await start();
    expect([ada.said(), ben.said()]).toEqual([['offer 0'], []]);
    expect(ada.pc.transceivers.map((line) => line.direction)).toEqual(Array(4).fill('sendrecv'));
    expect(ada.pc.configuration).toMatchObject({
      iceServers: [{ urls: ['stun:one'] }],
      bundlePolicy: 'max-bundle',
      rtcpMuxPolicy: 'require',
    });
  });

  it('is answered on its own lines, also where there is no device', async () => {
    await start();
    await carry(ada, ben);
    expect(ben.said()).toEqual(['answer 0']);
    expect(ben.pc.transceivers.map((line) => line.direction)).toEqual(Array(4).fill('sendrecv'));
    expect(ben.pc.transceivers.map((line) => line.sender.track?.kind)).toEqual(['audio', undefined, undefined, undefined]);
    expect(ben.connection.stream!.getTracks().map((track) => track.kind)).toEqual(['audio', 'video']);
  });

  it('needs no other one for a track that comes later', async () => {
    await connect();
    const camera = fakeTrack('video');
    await ben.connection.setTrack('video', camera);
    expect(ben.pc.transceivers[1]!.sender.track).toBe(camera);
    expect(ben.said()).toEqual([]);
  });

  it('is answered with a track that came before the offer', async () => {
    await ben.connection.setTrack('video', fakeTrack('video'));
    await start();
    await carry(ada, ben);
    expect(ben.pc.transceivers.map((line) => line.sender.track?.kind)).toEqual(['audio', 'video', undefined, undefined]);
  });

  it('has a place for a screen, which is told from the camera by it', async () => {
    await connect();
    const screen = fakeTrack('video');
    await ada.connection.setTrack('screen', screen);
    expect(ada.pc.transceivers.map((line) => line.sender.track)).toEqual([expect.anything(), expect.anything(), screen, null]);
    expect(ada.said(), 'no negotiation').toEqual([]);
    const [sound, picture, shown, heard] = ben.pc.transceivers.map((line) => line.receiver.track);
    expect(ben.connection.stream!.getTracks()).toEqual([sound, picture]);
    expect(ben.connection.screen!.getTracks()).toEqual([shown, heard]);
  });

  it('is answered with a screen that was shown before there was a connection', async () => {
    const screen = fakeTrack('video');
    await ben.connection.setTrack('screen', screen);
    await start();
    await carry(ada, ben);
    expect(ben.pc.transceivers.map((line) => line.sender.track)).toEqual([expect.anything(), null, screen, null]);
  });

  it('of a peer with more lines shows those that we know', async () => {
    await start();
    ada.pc.addTransceiver('video', { direction: 'sendrecv' });
    ben.connection.description(0, JSON.stringify({ type: 'offer', sdp: `v=0\n${'m=video\n'.repeat(5)}m=audio\n` }));
    await settle();
    expect(ben.connection.stream!.getTracks()).toHaveLength(2);
    expect(ben.connection.screen!.getTracks()).toHaveLength(1);
  });
});

describe('candidates', () => {
  it('go out at once, then in batches, then with the end', async () => {
    await start();
    ada.pc.find('1');
    ada.pc.find('2');
    await settle();
    expect(ada.take('candidates').map((batch) => batch['candidates'].length)).toEqual([2]);
    ada.pc.find('3');
    ada.pc.find('4');
    await settle();
    expect(ada.take('candidates')).toEqual([]);
    await clock.advance(10);
    expect(ada.take('candidates')).toMatchObject([{ generation: 0, end: false }]);
    ada.pc.find('5');
    ada.pc.gathered();
    const last = ada.take('candidates');
    expect(last).toMatchObject([{ generation: 0, end: true }]);
    expect(last[0]!['candidates']).toHaveLength(1);
  });

  it('are never more than the server takes', async () => {
    await start();
    for (let count = 0; count < 100; count += 1) ada.pc.find(`${count}`);
    await clock.advance(10);
    const sent = ada.take('candidates').flatMap((batch) => batch['candidates']);
    expect(sent).toHaveLength(64);
  });

  it('for RTCP alone are not sent', async () => {
    await start();
    ada.pc.find('sound', ada.pc.ufrag, 'rtp');
    ada.pc.find('reports', ada.pc.ufrag, 'rtcp');
    await settle();
    const sent = ada.take('candidates').flatMap((batch) => batch['candidates']);
    expect(sent.map((body: string) => JSON.parse(body).candidate)).toEqual(['candidate:sound']);
  });

  it('that come before their description are kept for it', async () => {
    await start();
    const body = (name: string) => JSON.stringify({ candidate: name, sdpMid: '0' });
    ben.connection.candidates(0, [body('early')], false);
    ben.connection.candidates(1, [body('earlier still')], false);
    ben.connection.candidates(0, [], true);
    await settle();
    expect(ben.pc.added).toEqual([]);
    await carry(ada, ben);
    expect(ben.pc.added).toMatchObject([{ candidate: 'early' }, null]);
    ben.connection.candidates(0, [body('late')], false);
    expect(ben.pc.added.at(-1)).toMatchObject({ candidate: 'late' });
  });

  it('of an older generation are dropped', async () => {
    await connect();
    ada.pc.become('failed');
    await settle();
    await carry(ada, ben);
    ben.connection.candidates(0, [JSON.stringify({ candidate: 'old', sdpMid: '0' })], false);
    expect(ben.pc.added).toEqual([]);
  });

  it('that are nonsense harm nothing', async () => {
    await connect();
    const bodies = ['', '{', '[]', 'null', '7', '{"candidate":7}', '{"candidate":""}', 'x'.repeat(2_000), 7, null];
    ben.connection.candidates(0, bodies, false);
    ben.connection.candidates(0, 'no list', false);
    ben.connection.candidates(-1, ['{"candidate":"a"}'], false);
    ben.connection.candidates(NaN, ['{"candidate":"a"}'], false);
    expect(ben.pc.added).toEqual([]);
  });
});

describe('crossing offers', () => {
  /** The network of both ends changes at the same time. */
  async function cross(): Promise<void> {
    await connect();
    ada.connection.networkChanged();
    ben.connection.networkChanged();
    await settle();
    expect([ada.said(), ben.said()]).toEqual([['offer 1'], ['offer 1']]);
  }

  it('of one generation: the polite end gives way', async () => {
    await cross();
    await carry(ada, ben);
    expect(ben.said()).toEqual(['offer 1', 'answer 1']);
    await carry(ben, ada);
    expect([ada.pc.signalingState, ben.pc.signalingState]).toEqual(['stable', 'stable']);
    expect(ada.said()).toEqual([]);
  });

  it('candidates of the offer that gave way are not sent', async () => {
    await cross();
    const given = ben.pc.ufrag;
    await carry(ada, ben);
    ben.pc.find('stale', given);
    ben.pc.find('good');
    await settle();
    const sent = ben.take('candidates').flatMap((batch) => batch['candidates']);
    expect(sent.map((body: string) => JSON.parse(body).candidate)).toEqual(['candidate:good']);
  });

  it('of two generations: the newer one wins, whoever made it', async () => {
    await connect();
    ada.connection.networkChanged();
    ben.connection.networkChanged();
    await settle();
    ben.connection.recover();
    await settle();
    const newest = ben.take('description').at(-1)!;
    expect(newest.generation).toBe(2);
    await carry(ada, ben);
    expect(ben.said()).toEqual([]);
    ada.connection.description(newest.generation, newest['body']);
    await settle();
    expect(ada.said()).toEqual(['answer 2']);
    await carry(ada, ben);
    expect([ada.pc.signalingState, ben.pc.signalingState]).toEqual(['stable', 'stable']);
  });
});

describe('restarts', () => {
  it('are begun by the impolite end at once, and by the other only if it does not', async () => {
    await connect();
    ada.pc.become('disconnected');
    ben.pc.become('disconnected');
    await settle();
    expect([ada.said(), ben.said()]).toEqual([['offer 1'], []]);
    await clock.advance(1_000);
    expect(ben.said()).toEqual(['offer 1']);
  });

  it('are not doubled by an answer in time', async () => {
    await connect();
    ada.pc.become('disconnected');
    ben.pc.become('disconnected');
    await settle();
    await carry(ada, ben);
    await carry(ben, ada);
    await clock.advance(2_000);
    expect([ada.said(), ben.said()]).toEqual([[], []]);
  });

  it('follow one another with growing pauses until the connection is up', async () => {
    await connect();
    ada.pc.become('failed');
    await clock.advance(30_000);
    expect(ada.said()).toEqual(['offer 1', 'offer 2', 'offer 3', 'offer 4', 'offer 5']);
    ada.pc.become('connected');
    ada.take('description');
    await clock.advance(30_000);
    expect(ada.said()).toEqual([]);
  });

  it('wait for signaling, and do not pile up', async () => {
    await connect();
    ada.ready = false;
    ada.pc.become('failed');
    await clock.advance(20_000);
    expect(ada.said()).toEqual([]);
    ada.ready = true;
    ada.connection.reachable();
    await settle();
    expect(ada.said()).toEqual(['offer 1']);
  });

  it('ignore an answer to an earlier offer', async () => {
    await connect();
    ada.pc.become('failed');
    await settle();
    const first = ada.take('description')[0]!;
    await clock.advance(4_000);
    ben.connection.description(first.generation, first['body']);
    await settle();
    await carry(ben, ada);
    expect(ada.pc.signalingState).toBe('have-local-offer');
    await carry(ada, ben);
    await carry(ben, ada);
    expect([ada.pc.signalingState, ben.pc.signalingState]).toEqual(['stable', 'stable']);
  });

  it('on another network are made at once, and once for all the news of it', async () => {
    await connect();
    ben.connection.networkChanged();
    ben.connection.networkChanged();
    await settle();
    expect(ben.said()).toEqual(['offer 1']);
    await clock.advance(1_000);
    ben.connection.networkChanged();
    await clock.advance(1_499);
    expect(ben.said()).toEqual(['offer 1']);
    await clock.advance(1);
    expect(ben.said()).toEqual(['offer 1', 'offer 2']);
    await clock.advance(10_000);
    expect(ben.said()).toHaveLength(2);
  });

  it('on another network wait for signaling, while the old path goes on', async () => {
    await connect();
    ben.ready = false;
    ben.connection.networkChanged();
    await clock.advance(10_000);
    expect(ben.said()).toEqual([]);
    expect(ben.connection.state).toBe('connected');
    ben.ready = true;
    ben.connection.reachable();
    ben.connection.reachable();
    await settle();
    expect(ben.said()).toEqual(['offer 1']);
  });

  it('on another network do not wait for their turn when the old path is gone', async () => {
    await connect();
    ada.pc.become('disconnected');
    await settle();
    ada.take('description');
    await clock.advance(2_000);
    expect(ada.said()).toEqual([]);
    ada.connection.networkChanged();
    await settle();
    expect(ada.said()).toEqual(['offer 2']);
  });

  it.each(['tcp', 'tls'])('look for a better path than a relay by %s, once in a network', async (transport) => {
    for (const end of [ada, ben]) byStream(end.pc, transport);
    await connect();
    await clock.advance(1_999);
    expect(ada.said()).toEqual([]);
    await clock.advance(1);
    expect(ada.said()).toEqual(['offer 1']);
    await carry(ada, ben);
    await carry(ben, ada);
    await clock.advance(60_000);
    expect([ada.said(), ben.said()]).toEqual([[], []]);
    ben.connection.networkChanged();
    await settle();
    await carry(ben, ada);
    await carry(ada, ben);
    await clock.advance(60_000);
    expect([ada.said(), ben.said()]).toEqual([[], ['offer 3']]);
  });

  it('look for a better path than that of the polite end too', async () => {
    byStream(ben.pc, 'tls');
    await connect();
    await clock.advance(3_000);
    expect([ada.said(), ben.said()]).toEqual([[], ['offer 1']]);
  });

  it('look for no better path than a relay by datagrams, and none for a connection that is lost', async () => {
    relayed(ada.pc);
    byStream(ben.pc, 'tcp');
    await connect();
    ben.pc.become('disconnected');
    await clock.advance(2_999);
    expect([ada.said(), ben.said()]).toEqual([[], ['offer 1']]);
    ben.pc.become('connected');
    await clock.advance(60_000);
    expect([ada.said(), ben.said()]).toEqual([[], ['offer 1']]);
  });

  it('of the other end get their time before another is begun', async () => {
    await connect();
    ben.connection.networkChanged();
    await settle();
    await carry(ben, ada);
    ada.pc.become('disconnected');
    await clock.advance(3_999);
    expect(ada.said()).toEqual(['answer 1']);
    await clock.advance(1);
    expect(ada.said()).toEqual(['answer 1', 'offer 2']);
  });

  it('after a reset begin at once where the relay has forgotten the path', async () => {
    relayed(ada.pc);
    relayed(ben.pc);
    await connect();
    ada.connection.recover();
    ben.connection.recover();
    await settle();
    expect([ada.said(), ben.said()]).toEqual([['offer 1'], []]);
  });

  it('use the credentials that came last', async () => {
    await connect();
    ada.connection.setRelay({ ice_servers: [{ urls: ['turn:new'] }], expires_in_ms: 1 });
    ada.pc.become('failed');
    await settle();
    expect(ada.pc.configurations.map((each) => each.iceServers?.[0]?.urls[0])).toEqual([undefined, 'stun:one', 'turn:new']);
    expect(ada.said()).toEqual(['offer 1']);
  });

  it('through the relay alone: the impolite end offers in the generation named', async () => {
    await start();
    await carry(ada, ben);
    await carry(ben, ada);
    ada.connection.relayOnly(1);
    ben.connection.relayOnly(1);
    await settle();
    expect([ada.said(), ben.said()]).toEqual([['offer 1'], []]);
    expect(ada.pc.configuration.iceTransportPolicy).toBe('relay');
    expect(ben.pc.configuration.iceTransportPolicy).toBe('relay');
    expect(ada.pc.restarts).toBe(1);
  });

  it('use new credentials, and keep to the relay', async () => {
    await connect();
    ada.connection.relayOnly(1);
    ada.connection.setRelay({ ice_servers: [{ urls: ['turn:two'] }], expires_in_ms: 1 });
    expect(ada.pc.configuration).toMatchObject({
      iceServers: [{ urls: ['turn:two'] }],
      iceTransportPolicy: 'relay',
    });
  });

  it('after a reset, only where something was unfinished', async () => {
    await connect();
    ada.connection.recover();
    await settle();
    expect(ada.said()).toEqual([]);
    ada.connection.networkChanged();
    await settle();
    ada.connection.recover();
    await settle();
    expect(ada.said()).toEqual(['offer 1', 'offer 2']);
  });
});

describe('the channel for files and reactions', () => {
  it('is made by both ends, before the first offer, and is over with the connection', async () => {
    await start();
    for (const end of [ada, ben]) {
      expect(end.pc.channels[1]!.init).toEqual({ negotiated: true, id: 1 });
      expect(end.take('aside')).toMatchObject([{ label: 'aside' }]);
      end.connection.close();
      end.connection.close();
      expect(end.take('aside over')).toHaveLength(1);
    }
  });
});

describe('heartbeats', () => {
  /** Connected, and both have heard each other. */
  async function beating(): Promise<void> {
    await connect();
    for (const end of [ada, ben]) {
      end.channel.open();
      end.channel.receive();
      end.take('state');
    }
  }

  /** Time passes in which only these hear the other. */
  async function pass(ms: number, ...hearing: End[]): Promise<void> {
    for (let passed = 0; passed < ms; passed += 250) {
      for (const end of hearing) end.channel.receive();
      await clock.advance(250);
    }
  }

  it('go over a channel that both make by themselves, before the first offer', async () => {
    await start();
    const init = { negotiated: true, id: 0, ordered: false, maxRetransmits: 0 };
    expect([ada, ben].map((end) => end.channel.init)).toEqual([init, init]);
  });

  it('are sent four times a second, and not piled up', async () => {
    await beating();
    await pass(1_000, ada, ben);
    expect(ada.channel.sent).toBe(5);
    ada.channel.bufferedAmount = 1;
    await pass(1_000, ada, ben);
    expect(ada.channel.sent).toBe(5);
  });

  it('are answered at once by a page whose timers rest', async () => {
    await beating();
    clock.sleep(1_000);
    ada.channel.receive();
    ada.channel.receive();
    expect(ada.channel.sent).toBe(2);
  });

  it('that stop are noticed within two seconds, by the end that hears none', async () => {
    await beating();
    await pass(1_500, ben);
    expect(ada.connection.state).toBe('connected');
    await pass(500, ben);
    expect(ada.connection.state).toBe('reconnecting');
    expect(ada.connection.quality?.label).toBe('lost');
    expect(ada.take('state')).toMatchObject([{ generation: 1, state: 'reconnecting' }]);
    expect(ada.take('lost')).toHaveLength(1);
    expect(ada.said()).toEqual(['offer 1']);
    expect([ben.connection.state, ben.said()]).toEqual(['connected', []]);
  });

  it('that falter have the impolite end look for another path, once in a while', async () => {
    await beating();
    for (let time = 0; time < 3; time += 1) {
      await pass(1_250);
      for (const end of [ada, ben]) end.channel.receive();
    }
    expect([ada.said(), ben.said()]).toEqual([['offer 1'], []]);
    expect([ada.take('state'), ben.take('state')]).toEqual([[], []]);
    await pass(15_000, ada, ben);
    await pass(1_250);
    expect(ada.said()).toEqual(['offer 1', 'offer 2']);
  });

  it('that falter and stop have one restart, which gets its time', async () => {
    await beating();
    await pass(5_500);
    expect(ada.connection.state).toBe('reconnecting');
    expect(ada.said()).toEqual(['offer 1']);
    await pass(1_000);
    expect(ada.said()).toEqual(['offer 1', 'offer 2']);
  });

  it('that come again mean that the connection is up, without any restart having helped', async () => {
    await beating();
    await pass(2_000);
    expect(ada.connection.state).toBe('reconnecting');
    ada.channel.receive();
    expect(ada.connection.state).toBe('connected');
    await settle();
    expect(ada.take('state').map((each) => each['state'])).toEqual(['reconnecting', 'connected']);
    await pass(20_000, ada);
    expect(ada.said()).toEqual(['offer 1']);
  });

  it('do not overrule the browser, which may know that nothing gets out any more', async () => {
    await beating();
    ada.pc.become('disconnected');
    await pass(1_000, ada);
    expect(ada.connection.state).toBe('reconnecting');
  });

  it('are not missed while media arrives', async () => {
    await beating();
    const inbound = { id: 'i', type: 'inbound-rtp', packetsReceived: 0 };
    ada.pc.stats.set('i', inbound);
    for (let second = 0; second < 5; second += 1) {
      inbound.packetsReceived += 50;
      await pass(1_000);
    }
    expect(ada.connection.state).toBe('connected');
    await pass(2_500);
    expect(ada.connection.state).toBe('reconnecting');
    inbound.packetsReceived += 1;
    await pass(250);
    expect(ada.connection.state).toBe('connected');
  });

  it('are not missed from a program that sends none', async () => {
    await connect();
    ada.channel.open();
    await pass(60_000);
    expect(ada.connection.state).toBe('connected');
  });

  it('stop with the connection', async () => {
    await beating();
    ada.connection.close();
    await pass(5_000);
    expect(ada.channel.sent).toBe(1);
    ada.channel.receive();
    expect(ada.channel.sent).toBe(1);
  });

  it('let the other end know under a generation that has begun meanwhile', async () => {
    await beating();
    ada.connection.networkChanged();
    await settle();
    await pass(2_000);
    // The report names the generation of the offer, whether or not it was answered.
    expect(ada.take('state')).toMatchObject([{ generation: 1, state: 'reconnecting' }]);
    await carry(ada, ben);
    ben.connection.description(7, JSON.stringify({ type: 'offer', sdp: 'v=0\nm=audio\nm=video' }));
    await settle();
    expect(ben.connection.state).toBe('reconnecting');
    expect(ben.take('state').at(-1)).toMatchObject({ generation: 7, state: 'reconnecting' });
  });
});

function pair(pc: FakePeerConnection, local: string, remote: object): void {
  pc.stats.set('t', { id: 't', type: 'transport', selectedCandidatePairId: 'p' });
  pc.stats.set('p', {
    id: 'p',
    type: 'candidate-pair',
    localCandidateId: 'l',
    remoteCandidateId: 'r',
    currentRoundTripTime: 0.02,
  });
  pc.stats.set('l', { id: 'l', type: 'local-candidate', candidateType: local });
  pc.stats.set('r', { id: 'r', type: 'remote-candidate', ...remote });
}

function relayed(pc: FakePeerConnection): void {
  pair(pc, 'relay', { candidateType: 'host' });
}

function byStream(pc: FakePeerConnection, relayProtocol: string): void {
  relayed(pc);
  Object.assign(pc.stats.get('l')!, { relayProtocol });
}

describe('reports', () => {
  it('say when it is up and how, lost, and up again', async () => {
    pair(ada.pc, 'host', { candidateType: 'srflx' });
    await connect();
    ada.pc.become('disconnected');
    expect(ada.connection.quality?.label).toBe('lost');
    ada.pc.become('connected');
    await settle();
    expect(ada.take('state')).toMatchObject([
      { generation: 0, state: 'connected', path: 'direct' },
      { state: 'reconnecting', path: null },
      { state: 'connected', path: 'direct' },
    ]);
    expect(ada.connection.quality).toMatchObject({ label: 'good', roundTripMs: 20 });
  });

  it('are repeated in a new generation, and when the path changes', async () => {
    pair(ada.pc, 'host', { candidateType: 'host' });
    await connect();
    ada.take('state');
    ada.connection.networkChanged();
    await settle();
    await carry(ada, ben);
    await carry(ben, ada);
    expect(ada.take('state')).toMatchObject([{ generation: 1, state: 'connected', path: 'direct' }]);
    pair(ada.pc, 'relay', { candidateType: 'host' });
    await clock.advance(2_000);
    expect(ada.take('state')).toMatchObject([{ generation: 1, path: 'relay' }]);
    await clock.advance(4_000);
    expect(ada.take('state')).toEqual([]);
  });

  it('find the relay of the other end behind an address learnt from its checks', async () => {
    pair(ada.pc, 'host', { candidateType: 'prflx', address: '203.0.113.10', port: 50_000 });
    const relay = 'candidate:1 1 udp 1 203.0.113.10 50000 typ relay raddr 0.0.0.0 rport 0';
    ada.connection.candidates(0, [JSON.stringify({ candidate: relay, sdpMid: '0' })], false);
    await connect();
    expect(ada.connection.path).toBe('relay');
  });
});

describe('hostile descriptions', () => {
  it.each(['', '{', 'null', '[]', '{"type":"rollback"}', '{"type":"offer","sdp":7}', 'x'.repeat(40_000)])(
    'that are none are dropped (%#)',
    async (body) => {
      await connect();
      ben.connection.description(1, body);
      await settle();
      expect([ben.pc.signalingState, ben.said()]).toEqual(['stable', []]);
    },
  );

  it('that the browser refuses leave the connection as it was', async () => {
    await connect();
    ben.connection.description(1, JSON.stringify({ type: 'offer', sdp: 'nonsense' }));
    ben.connection.description(1, JSON.stringify({ type: 'answer', sdp: 'v=0' }));
    await settle();
    expect(ben.log).toHaveLength(1);
    ada.connection.networkChanged();
    await settle();
    await carry(ada, ben);
    expect(ben.said()).toEqual(['answer 1']);
  });

  it('of impossible generations are dropped', async () => {
    await connect();
    const body = JSON.stringify({ type: 'offer', sdp: 'v=0' });
    for (const generation of [-1, 0.5, NaN, 2 ** 53]) ben.connection.description(generation, body);
    await settle();
    expect(ben.said()).toEqual([]);
  });
});

it('says nothing any more once it is closed', async () => {
  await connect();
  ada.connection.close();
  ada.posted.length = 0;
  ada.pc.find('late');
  ada.pc.become('failed');
  ada.connection.recover();
  await clock.advance(60_000);
  expect(ada.posted).toEqual([]);
  expect(ada.pc.closed).toBe(true);
});
