import { beforeEach, describe, expect, it } from 'vitest';
import { Outgoing } from './outgoing.ts';
import type { Account, Joined, RingPhase, ServerMessage } from './protocol.gen.ts';
import type { Signaling } from './signaling.ts';
import { settle } from './testing/clock.ts';
import { FakeServer, type Sent } from './testing/server.ts';

const ME: Account = { user: 'ada', name: 'Ada', do_not_disturb: false, call_waiting: true };
const VIDEO = { audio: true, video: true };

let server: FakeServer;
let signaling: Signaling;
let ring: Outgoing;
let phases: string[];

beforeEach(async () => {
  server = new FakeServer();
  server.answer = () => ({ t: 'ok' });
  signaling = server.signaling();
  ring = new Outgoing({ signaling, to: 'ben', clock: server.clock, log: () => {} });
  phases = [];
  ring.subscribe(({ phase, end }) => phases.push(end ? `${phase} ${end.how}` : phase));
  signaling.start();
  await settle();
});

async function start(): Promise<void> {
  ring.start('c1', VIDEO);
  await settle();
}

function state(phase: RingPhase): void {
  server.push({ t: 'ring_state', ring: ring.ring, call: 'c1', to: 'ben', phase });
}

function sent(type: string): Sent[] {
  return server.sockets.flatMap((socket) => socket.of(type));
}

async function reset(): Promise<void> {
  await server.clock.advance(6_000);
  server.greeting = 'reset';
  server.socket.drop();
  await settle();
}

describe('a ring of ours', () => {
  it('goes from the invite over offered and ringing to its end', async () => {
    await start();
    expect(sent('invite')).toMatchObject([{ ring: ring.ring, call: 'c1', to: 'ben', media: VIDEO }]);
    state('ringing');
    server.push({ t: 'ring_ended', ring: ring.ring, reason: 'accepted' });
    expect(phases).toEqual(['inviting', 'offered', 'ringing', 'over accepted']);
  });

  it('can ring, or be over, before the invite is answered', async () => {
    server.answer = () => null;
    await start();
    state('ringing');
    server.push({ t: 'ok' }, sent('invite')[0]!.id);
    await settle();
    expect(ring.snapshot.phase).toBe('ringing');
    server.push({ t: 'ring_ended', ring: ring.ring, reason: 'busy' });
    expect(phases).toEqual(['inviting', 'ringing', 'over busy']);
  });

  it.each(['declined', 'busy', 'no_answer', 'cancelled'] as const)('ends when it is %s, and stays so', async (reason) => {
    await start();
    server.push({ t: 'ring_ended', ring: ring.ring, reason });
    state('ringing');
    server.push({ t: 'ring_ended', ring: ring.ring, reason: 'accepted' });
    expect(ring.snapshot).toEqual({ phase: 'over', end: { how: reason } });
  });

  it('does not hear what belongs to another one', async () => {
    await start();
    server.push({ t: 'ring_state', ring: 'other', call: 'c1', to: 'ben', phase: 'ringing' });
    server.push({ t: 'ring_ended', ring: 'other', reason: 'accepted' });
    server.push({ t: 'ring_ended', ring: ring.ring, reason: 'answered_elsewhere' });
    expect(ring.snapshot.phase).toBe('offered');
  });

  it('says why the server has refused it', async () => {
    server.answer = (): ServerMessage => ({ t: 'error', code: 'rate_limited', message: 'Wait.' });
    await start();
    expect(ring.snapshot.end).toEqual({ how: 'refused', code: 'rate_limited', message: 'Wait.' });
  });

  it('turns into their call when they were calling us', async () => {
    const joined: Joined = { call: 'c2', room: 'r2', you: 'ada', participants: [], connections: [], chat: [] };
    server.answer = ({ t }) => (t === 'invite' ? { t: 'joined', ...joined } : { t: 'ok' });
    await start();
    expect(ring.snapshot.end).toMatchObject({ how: 'glare', joined });
  });

  it('does not live for ever, even if its end is never heard of', async () => {
    await start();
    state('ringing');
    await server.clock.advance(99_000);
    expect(ring.snapshot.phase).toBe('ringing');
    await server.clock.advance(2_000);
    expect(ring.snapshot.end).toEqual({ how: 'no_answer' });
    expect(sent('cancel')).toHaveLength(1);
  });
});

describe('giving up', () => {
  it('is final here at once, and told', async () => {
    await start();
    ring.cancel();
    ring.cancel();
    server.push({ t: 'ring_ended', ring: ring.ring, reason: 'accepted' });
    expect(ring.snapshot.end).toEqual({ how: 'cancelled' });
    expect(sent('cancel').map((frame) => frame['ring'])).toEqual([ring.ring]);
  });

  it('leaves the call of one who was calling us, into which the answer led', async () => {
    server.answer = () => null;
    await start();
    ring.cancel();
    const joined: Joined = { call: 'c2', room: 'r2', you: 'ada', participants: [], connections: [], chat: [] };
    server.push({ t: 'joined', ...joined }, sent('invite')[0]!.id);
    await settle();
    expect(ring.snapshot.end).toEqual({ how: 'cancelled' });
    expect(sent('hangup')).toMatchObject([{ call: 'c2' }]);
  });

  it('before anything was sent asks nobody at all', async () => {
    server.reachable = false;
    server.socket.drop();
    ring.start('c1', VIDEO);
    ring.cancel();
    server.reachable = true;
    await server.clock.advance(6_000);
    expect(sent('invite')).toEqual([]);
  });
});

describe('while the line is cut', () => {
  it('what was unanswered is asked once more, under the same id', async () => {
    server.answer = () => null;
    await start();
    server.answer = () => ({ t: 'ok' });
    await reset();
    expect(sent('invite').map((frame) => frame['ring'])).toEqual([ring.ring, ring.ring]);
    expect(ring.snapshot.phase).toBe('offered');
  });

  it('and the server restarted, it is asked again when the call is joined again', async () => {
    await start();
    state('ringing');
    let done = () => {};
    signaling.onReset(() => new Promise<void>((resolve) => (done = resolve)));
    await reset();
    expect(server.socket.of('invite')).toEqual([]);
    done();
    await settle();
    expect(server.socket.of('invite')).toMatchObject([{ ring: ring.ring, call: 'c1' }]);
    expect(ring.snapshot.phase).toBe('ringing');
  });

  it('and the server knows that it rings, it does', async () => {
    await start();
    await reset();
    const outgoing = [{ ring: ring.ring, call: 'c1', to: 'ben', phase: 'ringing' as const }];
    server.push({ t: 'people', me: ME, contacts: [], incoming: [], outgoing });
    expect(ring.snapshot.phase).toBe('ringing');
  });

  it('and its end was heard before, it is not asked for again, answered or not', async () => {
    server.answer = () => null;
    await start();
    server.push({ t: 'ring_ended', ring: ring.ring, reason: 'busy' });
    await reset();
    expect(sent('invite')).toHaveLength(1);
  });

  it('and does not come back, nobody could be reached', async () => {
    await start();
    signaling.stop();
    expect(ring.snapshot.end).toEqual({ how: 'unreachable' });
  });
});

describe('a message', () => {
  it('is left under one id, however often it is tried', async () => {
    await start();
    server.push({ t: 'ring_ended', ring: ring.ring, reason: 'no_answer' });
    server.answer = (): ServerMessage => ({ t: 'error', code: 'unavailable', message: 'Later.' });
    await expect(ring.leaveMessage(' Call me back ')).rejects.toMatchObject({ code: 'unavailable' });
    server.answer = () => ({ t: 'ok' });
    await ring.leaveMessage('Call me back');
    const left = sent('leave_message');
    expect(left.map((frame) => frame['body'])).toEqual(Array(2).fill('{"text":"Call me back"}'));
    expect(new Set(left.map((frame) => frame['chat'])).size).toBe(1);
  });

  it('that is empty or too long is not sent', async () => {
    await start();
    for (const text of ['', '  ', 'x'.repeat(5_000)]) {
      await expect(ring.leaveMessage(text)).rejects.toMatchObject({ code: 'limit' });
    }
    expect(sent('leave_message')).toEqual([]);
  });
});
