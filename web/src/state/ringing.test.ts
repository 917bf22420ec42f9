// The app when it rings: here, there, and beside another call.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Account, Joined, RingOffer, ServerMessage } from '../rtc/index.ts';
import { hostileMessages } from '../rtc/testing/hostile.ts';
import { FakePeerConnection } from '../rtc/testing/peer.ts';
import { FakeServer, type Sent } from '../rtc/testing/server.ts';
import type { Account as SignedIn } from './account.svelte.ts';
import type { App } from './app.svelte.ts';
import type { IncomingRing } from '../rtc/index.ts';

// Every test loads the app anew, as a page does; a busy machine takes its time for that.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const ME: Account = { user: 'me', name: 'Ben', do_not_disturb: false, call_waiting: true };
const ADA = { user: 'ada', name: 'Ada' };
const ROOM = 'Jx0Yq3o2TrmD5n8ZkV1b7A';

let server: FakeServer;
let location: { origin: string; pathname: string; hash: string };
let stored: Map<string, string>;
let made: FakePeerConnection[];
/** What was asked of getUserMedia. */
let asked: { audio: unknown; video: unknown }[];
/** Devices that fail to open. */
let broken: string[];
let app: App;
let account: SignedIn;

class FakeTrack {
  enabled = true;
  onended = null;
  constructor(readonly kind: string) {}
  stop = () => undefined;
  getSettings = () => ({});
}

beforeEach(async () => {
  server = new FakeServer();
  server.account = ME;
  server.answer = answer;
  location = { origin: 'https://dialtone.test', pathname: '/', hash: '' };
  [stored, made, asked, broken] = [new Map(), [], [], []];
});

/** Ends the lines of this test's pages, which would connect to the next test's server. */
afterEach(() => {
  for (const socket of server.sockets) socket.drop(4003);
});

function answer(frame: Sent): ServerMessage {
  if (frame.t === 'join') return { t: 'joined', ...table(frame['call'], frame['room'], []) };
  if (frame.t === 'accept') return { t: 'joined', ...table(`call of ${frame['ring']}`, `${frame['ring']}`.padEnd(22, 'A'), ['Ada']) };
  return { t: 'ok' };
}

function table(call: string, room: string, names: string[]): Joined {
  const media = { audio: true, video: true };
  const participants = names.map((name) => ({ participant: name, name, media, online: true }));
  const relay = { ice_servers: [], expires_in_ms: 1_000 };
  const connections = names.map((peer) => {
    return { call, connection: `to ${peer}`, peer, polite: true, generation: 0, relay_only: false, relay };
  });
  return { call, room, you: 'me', participants, connections, chat: [] };
}

async function open(pathname = '/'): Promise<void> {
  location.pathname = pathname;
  const to = (_state: null, _title: string, path: string) => (location.pathname = new URL(path, location.origin).pathname);
  const globals = {
    location,
    window: { isSecureContext: true },
    history: { pushState: to, replaceState: to },
    document: { addEventListener: () => undefined, removeEventListener: () => undefined, visibilityState: 'visible' },
    addEventListener: () => undefined,
    matchMedia: () => ({ matches: false }),
    fetch: (url: string | URL) => fetchFrom(String(url)),
    sessionStorage: {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
      removeItem: (key: string) => stored.delete(key),
    },
    navigator: {
      userAgent: '',
      mediaDevices: {
        enumerateDevices: async () => [{ kind: 'audioinput' }, { kind: 'videoinput' }],
        getUserMedia: async (wish: { audio: unknown; video: unknown }) => capture(wish),
      },
    },
    MediaStream: class {
      tracks: unknown[] = [];
      addTrack = (track: unknown) => this.tracks.push(track);
      getTracks = () => this.tracks;
    },
    RTCPeerConnection: class extends FakePeerConnection {
      constructor(config: RTCConfiguration) {
        super(config);
        made.push(this);
      }
    },
    WebSocket: function () {
      return server.open();
    },
  };
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  vi.resetModules();
  const { App } = await import('./app.svelte.ts');
  ({ account } = await import('./account.svelte.ts'));
  const before = server.sockets.length;
  app = new App();
  if (server.account) await vi.waitFor(() => expect(server.sockets.length).toBeGreaterThan(before), 30_000);
  await turns();
}

async function fetchFrom(url: string): Promise<Response> {
  if (url.endsWith('/tickets')) return server.ticket();
  if (url.endsWith('/me') && server.account) return Response.json({ ...ME, login: 'ben', role: 'member' });
  return Response.json({ code: 'unauthorized', message: '' }, { status: 401 });
}

async function capture(wish: { audio: unknown; video: unknown }) {
  asked.push(wish);
  const kinds = (['audio', 'video'] as const).filter((kind) => wish[kind]);
  if (kinds.some((kind) => broken.includes(kind))) throw Object.assign(new Error(), { name: 'NotReadableError' });
  const of = (kind: string) => kinds.filter((each) => each === kind).map((each) => new FakeTrack(each));
  return { getAudioTracks: () => of('audio'), getVideoTracks: () => of('video') };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
}

function offer(ring = 'r1', from = ADA): RingOffer {
  const media = { audio: true, video: true };
  return { ring, call: `call of ${ring}`, from: { ...from, contact: true }, media, waiting: false, expires_in_ms: 45_000 };
}

async function rings(ring = 'r1', from = ADA): Promise<IncomingRing> {
  server.push({ t: 'ring', ...offer(ring, from) });
  await turns();
  return app.phone.ringing.find((each) => each.ring === ring)!;
}

async function hears(message: ServerMessage): Promise<void> {
  server.push(message);
  await turns();
}

function sent(type: string): Sent[] {
  return server.sockets.flatMap((socket) => socket.of(type));
}

/** The media of the calls, as it was told last. */
function told(): Record<string, unknown> {
  return Object.fromEntries(sent('media').map((frame) => [frame['call'], frame['media']]));
}

/** Kinds that are sent in a call. */
function sends(pc: FakePeerConnection): unknown[] {
  return pc.transceivers.flatMap((line) => (line.sender.track ? [line.sender.track.kind] : []));
}

async function described(call: string): Promise<void> {
  const body = JSON.stringify({ type: 'offer', sdp: 'v=0\nm=audio\nm=video' });
  await hears({ t: 'description', from: 'Ada', call, connection: 'to Ada', generation: 0, body });
}

describe('while it rings here', () => {
  it('the line is open on any page, and says that it rings', async () => {
    await open('/unknown-page');
    const ring = await rings();
    expect(ring.from.name).toBe('Ada');
    expect([app.callState, app.tone]).toEqual(['ringing', 'ring']);
    expect(sent('ringing')).toHaveLength(1);
  });

  it('a guest has no line, and nothing that rings', async () => {
    server.account = null;
    await open();
    expect(server.sockets).toEqual([]);
    expect([app.callState, app.tone]).toEqual(['idle', null]);
  });

  it.each(Object.entries(hostileMessages('r1', 'call of r1')))('%s turns nothing on', async (_, messages) => {
    await open();
    await rings();
    for (const message of messages) await hears(message);
    expect([made, asked]).toEqual([[], []]);
    expect(sent('description').concat(sent('candidates'), sent('accept'), sent('join'))).toEqual([]);
    expect(app.session).toBe(null);
  });

  it('being silent, declining and hearing of its end put it away', async () => {
    await open();
    app.ignore(await rings());
    expect([app.incoming, app.phone.ignored.length, app.callState, app.tone]).toEqual([null, 1, 'idle', null]);
    app.decline(app.phone.ignored[0]!);
    expect(app.phone.ignored).toEqual([]);
    await rings('r2');
    await hears({ t: 'ring_ended', ring: 'r2', reason: 'answered_elsewhere' });
    expect([app.callState, app.notice]).toEqual(['idle', 'The call of Ada was answered on another device or tab.']);
    expect([made, asked]).toEqual([[], []]);
  });

  it('nothing sounds when it is not certain that it rings still', async () => {
    await open();
    await rings();
    server.reachable = false;
    server.socket.drop();
    await turns();
    expect([app.incoming?.ring, app.tone]).toEqual(['r1', null]);
    server.reachable = true;
    await vi.waitFor(() => expect(server.sockets).toHaveLength(2), 30_000);
  });
});

describe('accepting', () => {
  beforeEach(() => open());

  it('with voice sends no picture, although the caller does', async () => {
    await app.accept(await rings(), false);
    await turns();
    await described('call of r1');
    expect(asked).toMatchObject([{ video: false }]);
    expect(sent('accept')).toMatchObject([{ ring: 'r1', media: { audio: true, video: false } }]);
    expect(sends(made[0]!)).toEqual(['audio']);
    expect([app.screen, app.callState, location.pathname]).toEqual(['call', 'connecting', '/r1AAAAAAAAAAAAAAAAAAAA']);
  });

  it('with video sends both', async () => {
    await app.accept(await rings(), true);
    await turns();
    await described('call of r1');
    expect(sent('accept')).toMatchObject([{ media: { audio: true, video: true } }]);
    expect(sends(made[0]!)).toEqual(['audio', 'video']);
  });

  it('without a microphone lets one hear, and says what is wrong', async () => {
    broken = ['audio', 'video'];
    await app.accept(await rings(), true);
    await turns();
    expect([app.screen, app.unheard]).toEqual(['call', true]);
    expect(told()).toEqual({ 'call of r1': { audio: false, video: false } });
    app.listenOnly();
    expect([app.unheard, app.own.wanted]).toEqual([false, { audio: false, video: false }]);
  });

  it('and trying again later is heard then', async () => {
    broken = ['audio', 'video'];
    await app.accept(await rings(), false);
    await turns();
    await described('call of r1');
    broken = [];
    await app.own.open();
    await turns();
    expect([app.unheard, app.answering, sends(made[0]!)]).toEqual([false, false, ['audio']]);
  });

  it('too late goes back, and says so', async () => {
    server.answer = (frame) => (frame.t === 'accept' ? { t: 'error', code: 'gone', message: '' } : answer(frame));
    await app.accept(await rings(), false);
    await turns();
    expect([app.screen, location.pathname, app.phone.ringing.length]).toEqual(['start', '/', 0]);
    expect(app.notice).toBe('The call of Ada was over before you answered.');
    expect(app.own.tracks.audio).toBe(null);
  });

  it('that the server could not take rings on', async () => {
    server.answer = (frame) => (frame.t === 'accept' ? { t: 'error', code: 'unavailable', message: '' } : answer(frame));
    await app.accept(await rings(), false);
    await turns();
    expect([app.screen, app.incoming?.ring]).toEqual(['start', 'r1']);
  });
});

describe('a second call', () => {
  beforeEach(async () => {
    await open();
    await app.accept(await rings(), true);
    await described('call of r1');
  });

  it('waits beside the first, which stays as it is', async () => {
    await rings('r2', { user: 'carol', name: 'Carol' });
    expect([app.callState, app.tone, app.engaged]).toEqual(['connecting', 'waiting', true]);
    expect(sends(made[0]!)).toEqual(['audio', 'video']);
  });

  it('that is accepted puts the first on hold, and gets no picture without being asked for it', async () => {
    await app.accept(await rings('r2', { user: 'carol', name: 'Carol' }), false);
    await turns();
    await described('call of r2');
    expect(sends(made[0]!)).toEqual([]);
    expect(sends(made[1]!)).toEqual(['audio']);
    expect(told()['call of r1']).toMatchObject({ held: true });
    expect([app.session?.person?.name, app.parked?.person?.name]).toEqual(['Carol', 'Ada']);
  });

  it('and the first change places, with what was on in each', async () => {
    await app.accept(await rings('r2', { user: 'carol', name: 'Carol' }), false);
    await turns();
    await described('call of r2');
    app.swap();
    await turns();
    expect([app.session?.person?.name, app.parked?.person?.name]).toEqual(['Ada', 'Carol']);
    expect(sends(made[0]!)).toEqual(['audio', 'video']);
    expect(sends(made[1]!)).toEqual([]);
    expect(told()).toMatchObject({ 'call of r2': { held: true }, 'call of r1': { audio: true, video: true } });
    expect(told()['call of r1']).not.toHaveProperty('held');
  });

  it('that ends leaves the first on the screen, still on hold', async () => {
    await app.accept(await rings('r2', { user: 'carol', name: 'Carol' }), false);
    await turns();
    app.hangUp();
    await turns();
    expect([app.screen, app.session?.person?.name, app.session?.hold, app.parked]).toEqual(['call', 'Ada', 'here', null]);
    expect(sends(made[0]!)).toEqual([]);
    app.hold(false);
    await turns();
    expect(sends(made[0]!)).toEqual(['audio', 'video']);
  });

  it('and the first both come back after a reload, the first still on hold', async () => {
    await app.accept(await rings('r2', { user: 'carol', name: 'Carol' }), false);
    await turns();
    const first = app.parked!.call.room;
    const { leaveSeat } = await import('./seat.ts');
    leaveSeat(Date.now());
    const before = asked.length;
    await open(location.pathname);
    await turns();
    expect([app.screen, app.session?.person?.name, app.parked?.person?.name]).toEqual(['call', 'Carol', 'Ada']);
    expect(server.socket.of('join').map((frame) => frame['room']).sort()).toEqual([app.room, first].sort());
    expect(server.socket.of('join').find((frame) => frame['room'] === first)!['media']).toMatchObject({ held: true });
    expect(asked.slice(before).some(({ video }) => video)).toBe(false);
    app.swap();
    await turns();
    expect([app.session?.person?.name, app.room, app.own.wanted]).toEqual(['Ada', first, { audio: true, video: true }]);
    expect(app.session?.hold).toBe('');
  });

  it('goes on when the first hangs up meanwhile', async () => {
    await app.accept(await rings('r2', { user: 'carol', name: 'Carol' }), false);
    await turns();
    await hears({ t: 'call_ended', call: 'call of r1', reason: 'hangup' });
    expect([app.parked, app.session?.person?.name, app.screen]).toEqual([null, 'Carol', 'call']);
  });

  it('that is accepted in its place ends the first', async () => {
    await app.accept(await rings('r2', { user: 'carol', name: 'Carol' }), false, true);
    await turns();
    expect(sent('hangup').map((frame) => frame['call'])).toEqual(['call of r1']);
    expect([app.session?.person?.name, app.parked, made[0]!.closed]).toEqual(['Carol', null, true]);
  });

  it('and a third one is refused as busy', async () => {
    await app.accept(await rings('r2', { user: 'carol', name: 'Carol' }), false);
    await rings('r3', { user: 'dave', name: 'Dave' });
    expect([app.incoming, sent('busy').map((frame) => frame['ring'])]).toEqual([null, ['r3']]);
  });
});

describe('calling somebody', () => {
  beforeEach(() => open());

  async function call(video = true): Promise<string> {
    await app.callPerson(ADA, video);
    await turns();
    return sent('invite')[0]?.['ring'];
  }

  it('opens the devices, joins a new room, and rings there', async () => {
    const ring = await call();
    expect(asked).toHaveLength(1);
    expect(sent('invite')).toMatchObject([{ to: 'ada', call: sent('join')[0]!['call'], media: { audio: true, video: true } }]);
    expect([app.screen, app.callState, app.tone]).toEqual(['calling', 'ringing', null]);
    await hears({ t: 'ring_state', ring, call: sent('join')[0]!['call'], to: 'ada', phase: 'ringing' });
    expect([app.callState, app.tone]).toEqual(['ringing', 'ringback']);
    await hears({ t: 'ring_ended', ring, reason: 'accepted' });
    expect([app.screen, app.dial, app.tone]).toEqual(['call', null, null]);
  });

  it.each([
    ['declined', true],
    ['busy', true],
    ['no_answer', true],
  ] as const)('says that it was %s, turns everything off, and rings again when asked to', async (reason, message) => {
    const ring = await call();
    await hears({ t: 'ring_ended', ring, reason });
    expect([app.screen, app.callState, app.endedReason, app.own.tracks]).toEqual(['unanswered', 'ended', reason, { audio: null, video: null }]);
    expect(sent('hangup')).toHaveLength(1);
    const { unansweredOf } = await import('./dial.svelte.ts');
    expect(unansweredOf(app.dial!.snapshot.end).message).toBe(message);
    app.again();
    await turns();
    expect([app.screen, new Set(sent('invite').map((frame) => frame['ring'])).size]).toEqual(['calling', 2]);
  });

  it('leaves a message', async () => {
    await hears({ t: 'ring_ended', ring: await call(), reason: 'no_answer' });
    await app.dial!.leaveMessage('Call me back');
    expect([app.dial!.message, sent('leave_message').length]).toEqual(['left', 1]);
  });

  it('can be given up', async () => {
    const ring = await call();
    app.cancel();
    await turns();
    expect(sent('cancel').map((frame) => frame['ring'])).toEqual([ring]);
    expect([app.screen, app.dial, location.pathname]).toEqual(['start', null, '/']);
  });

  it('rings nobody before the person agrees not to be heard', async () => {
    broken = ['audio', 'video'];
    await call(false);
    expect([sent('invite'), app.dial?.unheard, app.callState]).toEqual([[], true, 'connecting']);
    app.ring();
    await turns();
    expect(sent('invite')).toMatchObject([{ media: { audio: false, video: false } }]);
  });

  it('who calls at the same moment leads into one call', async () => {
    server.answer = (frame) =>
      frame.t === 'invite' ? { t: 'joined', ...table('their call', ROOM, ['Ada']) } : answer(frame);
    server.push({ t: 'ring', ...offer(), call: 'their call' });
    await call();
    await hears({ t: 'call_ended', call: sent('join')[0]!['call'], reason: 'glare' });
    await described('their call');
    expect([app.screen, app.dial, app.incoming, location.pathname]).toEqual(['call', null, null, `/${ROOM}`]);
    expect(sends(made.at(-1)!)).toEqual(['audio', 'video']);
  });

  it('is given up when another call is accepted meanwhile', async () => {
    const ring = await call();
    await app.accept(await rings('r2', { user: 'carol', name: 'Carol' }), false);
    await turns();
    expect(sent('cancel').map((frame) => frame['ring'])).toEqual([ring]);
    expect([app.screen, app.dial, app.session?.person?.name]).toEqual(['call', null, 'Carol']);
  });

  it('goes on after a reload, with the same ring', async () => {
    const ring = await call();
    const { leaveSeat } = await import('./seat.ts');
    leaveSeat(Date.now());
    await open(location.pathname);
    await turns();
    expect([app.screen, app.dial?.person.name]).toEqual(['calling', 'Ada']);
    expect(server.socket.of('invite')[0]!['ring']).toBe(ring);
  });

  it('that fails with the connection says so', async () => {
    await call();
    await hears({ t: 'call_ended', call: sent('join')[0]!['call'], reason: 'connection_lost' });
    expect([app.screen, app.endedReason]).toEqual(['unanswered', 'unreachable']);
  });
});

describe('signing out', () => {
  it('elsewhere ends everything here, and asks to sign in', async () => {
    await open();
    await app.accept(await rings(), false);
    await turns();
    await described('call of r1');
    server.account = null;
    server.socket.drop(4008);
    await turns();
    expect([location.pathname, app.session, account.me, made[0]!.closed]).toEqual(['/signin', null, null, true]);
    expect(app.own.tracks.audio).toBe(null);
  });
});
