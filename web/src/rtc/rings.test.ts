import { beforeEach, describe, expect, it } from 'vitest';
import type { Account, ErrorCode, RingOffer } from './protocol.gen.ts';
import { Rings, type IncomingRing, type RingOver } from './rings.ts';
import type { Signaling } from './signaling.ts';
import { settle } from './testing/clock.ts';
import { FakeServer } from './testing/server.ts';

const ME: Account = { user: 'ben', name: 'Ben', do_not_disturb: false, call_waiting: true };

function offer(ring = 'r1', call = 'c1'): RingOffer {
  const from = { user: 'ada', name: 'Ada', contact: true };
  return { ring, call, from, media: { audio: true, video: true }, waiting: false, expires_in_ms: 45_000 };
}

let server: FakeServer;
let signaling: Signaling;
let rings: Rings;
let free: boolean;
let over: [string, RingOver][];
/** What the server refuses, by type. */
let refusals: Record<string, ErrorCode>;

beforeEach(async () => {
  server = new FakeServer();
  refusals = {};
  server.answer = ({ t }) => (refusals[t] ? { t: 'error', code: refusals[t], message: '' } : { t: 'ok' });
  signaling = server.signaling();
  free = true;
  over = [];
  rings = new Rings({ signaling, canTake: () => free, clock: server.clock, log: () => {} });
  rings.onOver(({ ring }: IncomingRing, reason) => over.push([ring, reason]));
  signaling.start();
  await settle();
});

function people(...incoming: RingOffer[]): void {
  server.push({ t: 'people', me: ME, contacts: [], incoming, outgoing: [] });
}

function stages(): string[] {
  return rings.snapshot.rings.map(({ ring, stage }) => `${ring} ${stage}`);
}

function sent(type: string): string[] {
  return server.sockets.flatMap((socket) => socket.of(type)).map((frame) => frame['ring']);
}

async function reconnect(greeting: 'resumed' | 'reset', upTo = 0): Promise<void> {
  await server.clock.advance(6_000);
  Object.assign(server, { greeting, upTo });
  server.socket.drop();
  await settle();
}

describe('a ring', () => {
  it('is told and answered with ringing at once, and once', async () => {
    server.push({ t: 'ring', ...offer() });
    expect(rings.snapshot).toMatchObject({ certain: true, rings: [{ ring: 'r1', stage: 'ringing' }] });
    server.push({ t: 'ring', ...offer() });
    await settle();
    expect(sent('ringing')).toEqual(['r1']);
  });

  it('rings when it has begun before this device came', () => {
    people(offer('r1'), offer('r2', 'c2'));
    expect(stages()).toEqual(['r1 ringing', 'r2 ringing']);
    expect(sent('ringing')).toEqual(['r1', 'r2']);
  });

  it.each(['answered_elsewhere', 'declined_elsewhere', 'cancelled', 'no_answer'] as const)('stops when it is %s', (reason) => {
    server.push({ t: 'ring', ...offer() });
    server.push({ t: 'ring_ended', ring: 'r1', reason });
    expect(stages()).toEqual([]);
    expect(over).toEqual([['r1', reason]]);
  });

  it('does not ring again once it is over', () => {
    server.push({ t: 'ring', ...offer() });
    server.push({ t: 'ring_ended', ring: 'r1', reason: 'cancelled' });
    server.push({ t: 'ring', ...offer() });
    people(offer());
    expect(stages()).toEqual([]);
  });

  it('stops when the server does not list it any more', () => {
    server.push({ t: 'ring', ...offer() });
    people();
    expect(stages()).toEqual([]);
    expect(over).toEqual([['r1', 'unknown']]);
  });

  it('that was not listed rings when the server says that it does', () => {
    server.push({ t: 'ring', ...offer() });
    people();
    server.push({ t: 'ring', ...offer() });
    expect(stages()).toEqual(['r1 ringing']);
  });

  it('stops when the server knows nothing of it', async () => {
    refusals['ringing'] = 'gone';
    server.push({ t: 'ring', ...offer() });
    await settle();
    expect(stages()).toEqual([]);
  });

  it('does not live for ever, even if its end is never heard of', async () => {
    server.push({ t: 'ring', ...offer() });
    server.reachable = false;
    server.socket.drop();
    await server.clock.advance(89_000);
    expect(stages()).toEqual(['r1 ringing']);
    await server.clock.advance(2_000);
    expect(stages()).toEqual([]);
  });

  it('stops when one is signed out', async () => {
    server.push({ t: 'ring', ...offer() });
    server.socket.drop(4008);
    expect(signaling.stopReason).toBe('signed_out');
    expect(stages()).toEqual([]);
  });

  it('is refused as busy, and not shown, where no other call can be taken', async () => {
    free = false;
    server.push({ t: 'ring', ...offer() });
    free = true;
    people(offer());
    await settle();
    expect(stages()).toEqual([]);
    expect([sent('busy'), sent('ringing')]).toEqual([['r1'], []]);
  });
});

describe('answering', () => {
  beforeEach(() => server.push({ t: 'ring', ...offer() }));

  it('silences it, and joining ends it', () => {
    rings.accepting('r1');
    expect(stages()).toEqual(['r1 answering']);
    server.push({ t: 'joined', call: 'c1', room: 'room', you: 'me', participants: [], connections: [], chat: [] });
    expect(stages()).toEqual([]);
    expect(over).toEqual([]);
  });

  it('that is refused for a while lets it ring again; else it is over', () => {
    rings.accepting('r1');
    rings.refused('r1', true);
    expect(stages()).toEqual(['r1 ringing']);
    rings.accepting('r1');
    rings.refused('r1', false);
    expect(stages()).toEqual([]);
    expect(over).toEqual([['r1', 'unknown']]);
  });

  it('too late says who was first', () => {
    rings.accepting('r1');
    server.push({ t: 'ring_ended', ring: 'r1', reason: 'answered_elsewhere' });
    rings.refused('r1', false);
    expect(over).toEqual([['r1', 'answered_elsewhere']]);
  });

  it('with a no ends it at once, also without a connection, and is not asked again', async () => {
    server.reachable = false;
    server.socket.drop();
    rings.decline('r1');
    expect(stages()).toEqual([]);
    server.reachable = true;
    server.greeting = 'reset';
    await server.clock.advance(6_000);
    people(offer());
    expect(stages()).toEqual([]);
    expect(sent('decline')).toEqual(['r1']);
    expect(over).toEqual([]);
  });

  it('by ignoring silences this device only, and it can be answered still', async () => {
    rings.ignore('r1');
    rings.ignore('r1');
    people(offer());
    expect(stages()).toEqual(['r1 ignored']);
    rings.accepting('r1');
    expect(stages()).toEqual(['r1 answering']);
    await settle();
    expect(sent('ignore')).toEqual(['r1']);
  });

  it('a ring that is over does nothing', async () => {
    server.push({ t: 'ring_ended', ring: 'r1', reason: 'cancelled' });
    rings.decline('r1');
    rings.ignore('r1');
    rings.accepting('r1');
    await settle();
    expect([sent('decline'), sent('ignore'), stages()]).toEqual([[], [], []]);
  });
});

describe('while the line is cut', () => {
  it('nothing is certain, and nothing may sound', async () => {
    server.push({ t: 'ring', ...offer() });
    server.reachable = false;
    server.socket.drop();
    expect(rings.snapshot).toMatchObject({ certain: false, rings: [{ ring: 'r1' }] });
  });

  it('a ring that came and went is never shown as certain, nor said to ring', async () => {
    const seen: string[] = [];
    rings.subscribe(({ rings, certain }) => certain && rings.length && seen.push('rang'));
    await reconnect('resumed', 2);
    expect(rings.snapshot.certain).toBe(false);
    server.push({ t: 'ring', ...offer() });
    server.push({ t: 'ring_ended', ring: 'r1', reason: 'cancelled' });
    await settle();
    expect(rings.snapshot).toEqual({ rings: [], certain: true });
    expect([seen, sent('ringing')]).toEqual([[], []]);
  });

  it('a ring that came and still rings, rings when everything is read', async () => {
    await reconnect('resumed', 2);
    server.push({ t: 'ring', ...offer() });
    expect(sent('ringing')).toEqual([]);
    server.push({ t: 'changed', what: 'history' });
    await settle();
    expect(rings.snapshot).toMatchObject({ certain: true, rings: [{ ring: 'r1' }] });
    expect(sent('ringing')).toEqual(['r1']);
  });

  it('and the server restarted, what rings is known with the next people', async () => {
    server.push({ t: 'ring', ...offer('r1') });
    server.push({ t: 'ring', ...offer('r2', 'c2') });
    rings.ignore('r2');
    await reconnect('reset');
    expect(rings.snapshot).toMatchObject({ certain: false });
    people(offer('r2', 'c2'));
    await settle();
    expect([stages(), rings.snapshot.certain]).toEqual([['r2 ignored'], true]);
    expect(over).toEqual([['r1', 'unknown']]);
    // The new session is a new leg, and says so itself.
    expect(server.socket.of('ringing').map((frame) => frame['ring'])).toEqual(['r2']);
  });
});
