import { beforeEach, describe, expect, it } from 'vitest';
import { Call } from './call.ts';
import type { StringStorage } from './device.ts';
import type { AnnouncedConnection, ChatFrom, ConnectionOpened, Participant, ServerMessage } from './protocol.gen.ts';
import type { Signaling } from './signaling.ts';
import { settle } from './testing/clock.ts';
import { FakeMedia, fakeTrack, type FakePeerConnection } from './testing/peer.ts';
import { FakeServer, type Sent } from './testing/server.ts';
import { SILENCE_MS } from './trust/channel.ts';

const CALL = 'the-call';
const ROOM = 'the-room';
const BEN: Participant = { participant: 'ben', name: 'Ben', media: { audio: true, video: true }, online: true };

function opened(connection = 'one', polite = false): ConnectionOpened {
  const relay = { ice_servers: [{ urls: ['stun:one'] }], expires_in_ms: 1_000 };
  return { call: CALL, connection, peer: 'ben', polite, generation: 0, relay_only: false, relay };
}

function said(id: string, body: string, from = 'ben'): ChatFrom {
  return { from, name: 'Ben', at_ms: 5, call: CALL, chat: id, body };
}

/** What the server will answer to the next joins. */
const table = { participants: [] as Participant[], connections: [] as ConnectionOpened[], chat: [] as ChatFrom[] };

function joined(call = CALL): ServerMessage {
  return { t: 'joined', call, room: ROOM, you: 'ada', ...structuredClone(table) };
}

function storage(): StringStorage & { values: Map<string, string> } {
  const values = new Map<string, string>();
  return {
    values,
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

let server: FakeServer;
let signaling: Signaling;
let media: FakeMedia;
let memory: ReturnType<typeof storage>;
let call: Call;

beforeEach(async () => {
  server = new FakeServer();
  server.answer = (frame) => (frame.t === 'join' ? joined() : { t: 'ok' });
  signaling = server.signaling();
  media = new FakeMedia();
  memory = storage();
  call = newCall();
  Object.assign(table, { participants: [], connections: [], chat: [] });
  signaling.start();
  await settle();
});

function newCall(secret = ''): Call {
  return new Call({
    signaling,
    door: { room: ROOM, secret },
    name: 'Ada',
    media: { audio: true, video: true },
    tracks: { audio: fakeTrack('audio'), video: fakeTrack('video') },
    createPeerConnection: media.createPeerConnection,
    createStream: media.createStream,
    memory,
    clock: server.clock,
    log: () => {},
  });
}

function pc(): FakePeerConnection {
  return media.made.at(-1)!;
}

async function waiting(): Promise<void> {
  await call.join();
  expect(call.snapshot.phase).toBe('waiting');
}

/** Ben comes; he is in the server's table from now on. */
async function benComes(connection = 'one'): Promise<void> {
  table.participants = [BEN];
  table.connections = [opened(connection)];
  server.push({ t: 'participant', call: CALL, participant: BEN });
  server.push({ t: 'connection', ...opened(connection) });
  await settle();
}

/** Ben's program does not seal (trust/call.test.ts has one that does): he says no hello. */
async function benStaysSilent(): Promise<void> {
  await server.clock.advance(SILENCE_MS);
}

async function benAnswers(connection = 'one', generation = 0): Promise<void> {
  const body = JSON.stringify({ type: 'answer', sdp: 'v=0\nm=audio\nm=video' });
  server.push({ t: 'description', from: 'ben', call: CALL, connection, generation, body });
  await settle();
}

async function active(): Promise<void> {
  await waiting();
  await benComes();
  await benAnswers();
  pc().become('connected');
  await settle();
  expect(call.snapshot.phase).toBe('active');
}

async function reconnect(greeting: 'resumed' | 'reset'): Promise<void> {
  await server.clock.advance(6_000);
  server.greeting = greeting;
  server.socket.drop();
  await settle();
}

function offline(): void {
  server.reachable = false;
  server.socket.drop();
}

async function backOnline(greeting: 'resumed' | 'reset'): Promise<void> {
  server.reachable = true;
  server.greeting = greeting;
  await server.clock.advance(6_000);
  expect(signaling.state).toBe('online');
}

function offers(): Sent[] {
  return server.socket.of('description').filter((frame) => JSON.parse(frame['body']).type === 'offer');
}

describe('a call', () => {
  it('goes from joining over waiting and connecting to active', async () => {
    const phases: string[] = [];
    call.subscribe(({ phase }) => phases.at(-1) !== phase && phases.push(phase));
    await active();
    expect(phases).toEqual(['joining', 'waiting', 'connecting', 'active']);
    expect(call.snapshot.startedAt).toBe(server.clock.now());
    expect(call.snapshot.peers).toMatchObject([{ participant: 'ben', name: 'Ben', connection: 'connected' }]);
    expect(call.snapshot.peers[0]!.stream!.getTracks()).toHaveLength(2);
  });

  it('uses the connection that was prepared while waiting, and prepares its offer at once', async () => {
    await waiting();
    expect(pc().transceivers).toHaveLength(4);
    await benComes();
    expect(media.made).toHaveLength(1);
    expect(pc().localDescription).toMatchObject({ type: 'offer' });
    await benStaysSilent();
    expect(offers()).toHaveLength(1);
  });

  it('that is joined second waits for the offer and answers it', async () => {
    table.participants = [BEN];
    table.connections = [opened('one', true)];
    await call.join();
    expect(offers()).toEqual([]);
    const body = JSON.stringify({ type: 'offer', sdp: 'v=0\nm=audio\nm=video' });
    server.push({ t: 'description', from: 'ben', call: CALL, connection: 'one', generation: 0, body });
    await settle();
    expect(server.socket.of('description').map((frame) => JSON.parse(frame['body']).type)).toEqual([undefined, 'answer']);
    expect(pc().transceivers.map((line) => line.sender.track?.kind)).toEqual(['audio', 'video']);
  });

  it('shows a screen beside the camera, tells of it, and of its end', async () => {
    await active();
    const [video, audio] = [fakeTrack('video'), fakeTrack('audio')];
    await call.setScreen({ video, audio });
    expect(pc().transceivers.slice(2).map((line) => line.sender.track)).toEqual([video, audio]);
    await call.setMedia({ audio: false, video: true });
    await call.setScreen(null);
    expect(pc().transceivers.slice(2).map((line) => line.sender.track)).toEqual([null, null]);
    expect(server.socket.of('media').map((frame) => frame['media'])).toEqual([
      { audio: true, video: true, screen: true },
      { audio: false, video: true, screen: true },
      { audio: false, video: true },
    ]);
  });

  it("has the other's screen only while they say that they show one", async () => {
    await active();
    expect(call.snapshot.peers[0]!.screen).toBeNull();
    server.push({ t: 'participant', call: CALL, participant: { ...BEN, media: { audio: true, video: true, screen: true } } });
    expect(call.snapshot.peers[0]!.screen!.getTracks()).toHaveLength(2);
    server.push({ t: 'participant', call: CALL, participant: BEN });
    expect(call.snapshot.peers[0]!.screen).toBeNull();
  });

  it('passes on candidates, restarts and credentials of its own connection only', async () => {
    await active();
    const candidates = [JSON.stringify({ candidate: 'c', sdpMid: '0' })];
    const from = { call: CALL, connection: 'one', generation: 0, candidates, end: false };
    server.push({ t: 'candidates', from: 'ben', ...from });
    server.push({ t: 'candidates', from: 'eve', ...from });
    server.push({ t: 'candidates', from: 'ben', ...from, connection: 'other' });
    await settle();
    expect(pc().added).toHaveLength(1);
    server.push({ t: 'relay_credentials', call: CALL, relay: { ice_servers: [], expires_in_ms: 1 } });
    expect(pc().configuration.iceServers).toEqual([]);
    server.push({ t: 'connection_restart', call: CALL, connection: 'one', generation: 4 });
    await settle();
    expect(offers().at(-1)).toMatchObject({ generation: 4 });
  });

  it('tells what is on, the newest only', async () => {
    await waiting();
    expect(server.socket.of('media')).toEqual([]);
    server.answer = () => null;
    for (const audio of [false, true, false]) void call.setMedia({ audio, video: true });
    await settle();
    server.answer = () => ({ t: 'ok' });
    server.push({ t: 'ok' }, server.socket.of('media')[0]!.id);
    await settle();
    expect(server.socket.of('media').map((frame) => frame['media'].audio)).toEqual([false, false]);
    expect(call.snapshot.me.media).toEqual({ audio: false, video: true });
  });

  it('sends other tracks on what is prepared and on what is connected', async () => {
    await waiting();
    const other = fakeTrack('audio');
    await call.setTrack('audio', other);
    expect(pc().transceivers[0]!.sender.track).toBe(other);
    await benComes();
    await call.setTrack('audio', null);
    expect(pc().transceivers[0]!.sender.track).toBe(null);
  });

  it('is reconnecting while its media is lost', async () => {
    await active();
    pc().become('disconnected');
    expect(call.snapshot).toMatchObject({ phase: 'reconnecting', peers: [{ connection: 'reconnecting' }] });
    pc().become('connected');
    expect(call.snapshot.phase).toBe('active');
  });

  it('gives another snapshot at each change, and leaves the old ones alone', async () => {
    await waiting();
    const before = call.snapshot;
    const copy = JSON.stringify(before);
    await benComes();
    expect(call.snapshot).not.toBe(before);
    expect(JSON.stringify(before)).toBe(copy);
  });
});

it('says the secret of its link to nobody, and keeps it nowhere', async () => {
  call = newCall('c7Yb2K1sR9e4mQ0zX5vN8w');
  await waiting();
  await benComes();
  call.sendChat('Hello');
  await settle();
  await call.hangup();
  expect(call.secret).toBe('c7Yb2K1sR9e4mQ0zX5vN8w');
  const sent = server.sockets.flatMap((socket) => socket.sent);
  expect(sent.map(({ t }) => t)).toEqual(expect.arrayContaining(['join', 'description', 'chat']));
  expect(JSON.stringify([sent, [...memory.values]])).not.toContain(call.secret);
});

describe('refusals', () => {
  it('of a third say why', async () => {
    server.answer = () => ({ t: 'error', code: 'call_full', message: 'Two are talking already.' });
    await call.join();
    expect(call.snapshot).toMatchObject({
      phase: 'refused',
      refusal: { code: 'call_full', message: 'Two are talking already.' },
    });
    expect(pc().closed).toBe(true);
  });

  it('can be followed by another try', async () => {
    server.answer = () => ({ t: 'error', code: 'call_full', message: '' });
    await call.join();
    server.answer = () => joined();
    await waiting();
  });

  it('come from here when signaling has stopped', async () => {
    server.answer = () => null;
    const join = call.join();
    server.socket.drop(4002);
    await join;
    expect(call.snapshot).toMatchObject({ phase: 'refused', refusal: { code: 'offline' } });
  });
});

describe('reloading', () => {
  it('of the peer replaces the connection and closes the old one', async () => {
    await active();
    const old = pc();
    const stream = call.snapshot.peers[0]!.stream;
    server.push({ t: 'participant', call: CALL, participant: { ...BEN, online: false } });
    expect(call.snapshot.peers[0]).toMatchObject({ online: false, connection: 'connected' });
    await benComes('two');
    expect([old.closed, pc() === old, pc().closed]).toEqual([true, false, false]);
    expect(call.snapshot.phase).toBe('reconnecting');
    await benAnswers('two');
    expect(offers().at(-1)).toMatchObject({ connection: 'two', generation: 0 });
    pc().become('connected');
    expect(call.snapshot.phase).toBe('active');
    expect(call.snapshot.peers[0]!.stream).not.toBe(stream);
  });

  it('finds the same call again', async () => {
    await waiting();
    const again = newCall();
    await again.join();
    expect(server.socket.of('join')[1]).toMatchObject({ call: CALL });
  });

  it('goes on with the clock of the call', async () => {
    await active();
    const { startedAt } = call.snapshot;
    await server.clock.advance(60_000);
    const again = newCall();
    await again.join();
    expect(again.snapshot).toMatchObject({ phase: 'connecting', startedAt });
    await benAnswers();
    pc().become('connected');
    expect(again.snapshot).toMatchObject({ phase: 'active', startedAt });
    await again.hangup();
    expect(again.snapshot.ended).toMatchObject({ durationMs: 60_000 });
  });

  it('does not take the clock of a call that is over', async () => {
    memory.setItem(`dialtone.call.${ROOM}`, `${CALL} 999000`);
    call = newCall();
    await active();
    expect(call.snapshot.startedAt).toBe(server.clock.now());
  });

  it('does not take the clock of another call', async () => {
    memory.setItem(`dialtone.call.${ROOM}`, 'another-call 999000');
    table.participants = [BEN];
    call = newCall();
    await call.join();
    expect(call.snapshot.startedAt).toBeNull();
  });

  it('is announced', async () => {
    await waiting();
    call.closing();
    expect(server.socket.of('closing')).toHaveLength(1);
  });
});

describe('a reset', () => {
  it('announces what is alive and touches nothing that flows', async () => {
    await active();
    const flowing = pc();
    await reconnect('reset');
    const announced: AnnouncedConnection[] = server.socket.of('join')[0]!['connections'];
    expect(announced).toEqual([
      { connection: 'one', generation: 0, peer: 'ben', peer_name: 'Ben', polite: false, state: 'connected' },
    ]);
    expect(call.snapshot.phase).toBe('active');
    expect([media.made.length, flowing.closed, flowing.restarts]).toEqual([1, false, 0]);
  });

  it('closes a connection the server does not list', async () => {
    await active();
    table.participants = [];
    table.connections = [];
    const old = pc();
    await reconnect('reset');
    expect(old.closed).toBe(true);
    expect(call.snapshot.phase).toBe('waiting');
  });

  it('takes another connection to the same peer in place of a dead one', async () => {
    await active();
    table.connections = [opened('two')];
    const old = pc();
    await reconnect('reset');
    expect([old.closed, pc() === old]).toEqual([true, false]);
    await benStaysSilent();
    expect(offers()).toMatchObject([{ connection: 'two' }]);
  });

  it('begins anew what was still connecting, once the peer is back', async () => {
    await waiting();
    await benComes();
    const old = pc();
    table.participants = [{ ...BEN, online: false }];
    table.connections = [];
    await reconnect('reset');
    expect([old.closed, call.snapshot.phase]).toEqual([true, 'connecting']);
    await benComes('two');
    await benStaysSilent();
    expect(offers()).toMatchObject([{ connection: 'two', generation: 0 }]);
  });

  it('restarts a negotiation that was unfinished, once the peer is back', async () => {
    await waiting();
    await benComes();
    table.participants = [{ ...BEN, online: false }];
    await reconnect('reset');
    expect(offers()).toEqual([]);
    server.push({ t: 'participant', call: CALL, participant: BEN });
    await settle();
    expect(offers()).toMatchObject([{ connection: 'one', generation: 1 }]);
  });

  it('ignores a repeated answer to the join, which is out of date', async () => {
    await waiting();
    const stale = joined();
    const re = server.socket.of('join')[0]!.id!;
    await benComes();
    server.push(stale, re);
    expect(call.snapshot.peers).toHaveLength(1);
    expect(pc().closed).toBe(false);
  });
});

describe('chat', () => {
  const texts = () => call.snapshot.chat.map((line) => `${line.mine ? '>' : '<'} ${line.text}${line.pending ? ' …' : ''}`);

  it('written offline is pending, and arrives once and in order', async () => {
    await active();
    server.answer = () => null;
    call.sendChat('one');
    await settle();
    offline();
    call.sendChat('two');
    call.sendChat('three');
    expect(texts()).toEqual(['> one …', '> two …', '> three …']);
    server.answer = () => ({ t: 'ok' });
    await backOnline('resumed');
    expect(server.socket.of('chat').map((frame) => JSON.parse(frame['body']).text)).toEqual(['one', 'two', 'three']);
    expect(texts()).toEqual(['> one', '> two', '> three']);
    expect(new Set(call.snapshot.chat.map((line) => line.id)).size).toBe(3);
  });

  it('goes out after the call has been joined again', async () => {
    await active();
    offline();
    call.sendChat('hello');
    server.answer = (frame) => (frame.t === 'join' ? joined() : { t: 'ok' });
    await backOnline('reset');
    const order = server.socket.sent.map((frame) => frame.t).filter((t) => t === 'join' || t === 'chat');
    expect(order).toEqual(['join', 'chat']);
  });

  it('written before the answer to the join waits for it', async () => {
    call.sendChat('early');
    expect(server.socket.of('chat')).toEqual([]);
    await waiting();
    await settle();
    expect(texts()).toEqual(['> early']);
  });

  it('is shown once, whatever is repeated', async () => {
    await active();
    table.chat = [said('1', '{"text":"before"}'), said('2', '{"text":"mine"}', 'ada')];
    await reconnect('reset');
    await settle();
    server.push({ t: 'chat', ...said('1', '{"text":"before"}') });
    server.push({ t: 'chat', ...said('3', '{"text":"new"}') });
    await settle();
    expect(texts()).toEqual(['< before', '> mine', '< new']);
  });

  it('that the server refuses is marked', async () => {
    await waiting();
    server.answer = () => ({ t: 'error', code: 'limit', message: '' });
    call.sendChat('no');
    await settle();
    expect(call.snapshot.chat[0]).toMatchObject({ pending: false, failed: true });
  });

  it('with hostile bodies breaks nothing', async () => {
    await active();
    const bodies = ['', '{', 'null', '7', '"text"', '{"text":7}', '{"text":""}', '{"text":{}}', `{"text":"${'x'.repeat(9_000)}"}`];
    bodies.forEach((body, index) => server.push({ t: 'chat', ...said(`h${index}`, body) }));
    server.push({ t: 'chat', ...said('good', '{"text":"<b>hi</b>"}') });
    await settle();
    expect(texts()).toEqual(['< <b>hi</b>']);
  });

  it('takes nothing empty and nothing too long', () => {
    expect([call.sendChat('  '), call.sendChat('x'.repeat(9_000)), call.sendChat('ü'.repeat(4_091))]).toEqual([
      false,
      false,
      false,
    ]);
    expect(call.snapshot.chat).toEqual([]);
  });
});

describe('the end', () => {
  it('comes at once when hanging up, and the server hears of it', async () => {
    await active();
    await server.clock.advance(10_000);
    await call.hangup();
    expect(call.snapshot).toMatchObject({ phase: 'ended', ended: { reason: 'hung_up', durationMs: 10_000 } });
    expect(pc().closed).toBe(true);
    expect(server.socket.of('hangup')).toMatchObject([{ call: CALL }]);
    expect(memory.values.size).toBe(0);
  });

  it('comes at once offline too, and the server hears of it later', async () => {
    await active();
    offline();
    const told = call.hangup();
    expect([call.snapshot.phase, pc().closed]).toEqual(['ended', true]);
    await backOnline('resumed');
    await told;
    expect(server.socket.of('hangup')).toHaveLength(1);
  });

  it('is told to a server that has forgotten the call: of which one, then the end', async () => {
    await active();
    offline();
    const told = call.hangup();
    await backOnline('reset');
    await told;
    const [join, hangup] = server.socket.sent.slice(1);
    expect(join).toMatchObject({ t: 'join', call: CALL, connections: [{ connection: 'one' }] });
    expect(hangup).toMatchObject({ t: 'hangup', call: CALL });
    expect(call.snapshot.phase).toBe('ended');
    expect(media.made).toHaveLength(1);
  });

  it('while joining offline leaves nothing behind', async () => {
    offline();
    const join = call.join();
    void call.hangup();
    await join;
    await backOnline('resumed');
    expect(server.socket.of('join')).toEqual([]);
  });

  it('while joining leaves the call that the room had', async () => {
    server.answer = () => null;
    void call.join();
    await settle();
    void call.hangup();
    server.push(joined('another'), server.socket.of('join')[0]!.id);
    await settle();
    expect(server.socket.of('hangup').map((frame) => frame['call'])).toEqual([call.id, 'another']);
  });

  it('while joining is not the end of the next call in that room', async () => {
    server.answer = () => null;
    void call.join();
    await settle();
    void call.hangup();
    const next = newCall();
    void next.join();
    await settle();
    const [first, second] = server.socket.of('join');
    server.push(joined('another'), first!.id);
    await settle();
    expect(next.snapshot.phase).toBe('joining');
    server.push(joined('another'), second!.id);
    await settle();
    expect(next.snapshot.phase).toBe('waiting');
    expect(server.socket.of('hangup')).toHaveLength(1);
  });

  it('comes from the server with its reason', async () => {
    await active();
    server.push({ t: 'call_ended', call: 'another', reason: 'left' });
    expect(call.snapshot.phase).toBe('active');
    server.push({ t: 'call_ended', call: CALL, reason: 'hangup' });
    expect(call.snapshot).toMatchObject({ phase: 'ended', ended: { reason: 'hangup' } });
  });

  it('comes when another page has taken the seat', async () => {
    await active();
    server.socket.drop(4003);
    expect(call.snapshot).toMatchObject({ phase: 'ended', ended: { reason: 'replaced' }, signaling: 'stopped' });
  });

  it('comes after 30 s without signaling and without media, not before', async () => {
    await active();
    offline();
    await server.clock.advance(60_000);
    expect(call.snapshot).toMatchObject({ phase: 'active', signaling: 'offline' });
    pc().become('failed');
    await server.clock.advance(29_000);
    expect(call.snapshot.phase).toBe('reconnecting');
    await server.clock.advance(2_000);
    expect(call.snapshot).toMatchObject({ phase: 'ended', ended: { reason: 'connection_lost' } });
  });

  it('is not followed by anything', async () => {
    await active();
    await call.hangup();
    const snapshot = call.snapshot;
    await benComes('late');
    call.sendChat('late');
    await call.join();
    await server.clock.advance(60_000);
    expect(call.snapshot).toBe(snapshot);
  });
});

it('ends for want of a server only, not of a peer connection', async () => {
  await waiting();
  media.createPeerConnection = () => {
    throw new Error('not allowed');
  };
  await benComes();
  expect(call.snapshot.phase).toBe('connecting');
});
