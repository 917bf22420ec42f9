import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClientMessage, ServerMessage } from './protocol.gen.ts';
import type { Signaling } from './signaling.ts';
import { settle } from './testing/clock.ts';
import { FakeServer } from './testing/server.ts';

const CALL = 'call';
const ok: ServerMessage = { t: 'ok' };

function chat(text: string) {
  return { t: 'chat', call: CALL, chat: text, body: text } as const;
}

let server: FakeServer;
let signaling: Signaling;

beforeEach(async () => {
  server = new FakeServer();
  signaling = server.signaling();
});

async function online(): Promise<void> {
  signaling.start();
  await settle();
  expect(signaling.state).toBe('online');
}

/** The socket breaks, and the next one is greeted like this. */
async function reconnect(greeting: 'resumed' | 'reset' | 'welcome', code?: number): Promise<void> {
  server.greeting = greeting;
  server.socket.drop(code);
  await settle();
}

describe('greeting', () => {
  it('says hello with a ticket and a proof over it', async () => {
    await online();
    expect(server.socket.sent[0]).toMatchObject({ t: 'hello', ticket: 'ticket-1', features: [] });
    expect(server.proofs).toEqual(['dialtone hello\nticket-1']);
  });

  it('sends what was asked for before, after the welcome, in order', async () => {
    void signaling.request(chat('early')).catch(() => {});
    await expect(signaling.request(chat('early'))).rejects.toMatchObject({ code: 'stopped' });
    signaling.start();
    void signaling.request(chat('a'));
    void signaling.request(chat('b'));
    await settle();
    expect(server.socket.sent.map((frame) => frame['chat'] ?? frame.t)).toEqual(['hello', 'a', 'b']);
  });

  it('gives up an attempt that hangs', async () => {
    server.greeting = null;
    signaling.start();
    await settle();
    server.greeting = 'welcome';
    await server.clock.advance(4_100);
    expect(signaling.state).toBe('online');
    expect(server.sockets).toHaveLength(2);
  });
});

describe('requests', () => {
  it('resolve with their answer and reject with the error of the server', async () => {
    await online();
    server.answer = (frame) =>
      frame['chat'] === 'bad' ? { t: 'error', code: 'not_found', message: 'no such call' } : ok;
    await expect(signaling.request(chat('good'))).resolves.toMatchObject({ t: 'ok' });
    await expect(signaling.request(chat('bad'))).rejects.toMatchObject({
      code: 'not_found',
      message: 'no such call',
    });
  });

  it('are heard by listeners before they are settled', async () => {
    await online();
    const order: string[] = [];
    signaling.on('ok', () => order.push('listener'));
    server.answer = () => ok;
    await signaling.request(chat('x')).then(() => order.push('promise'));
    expect(order).toEqual(['listener', 'promise']);
  });

  it('too large for a frame are refused here', async () => {
    await online();
    const body = 'x'.repeat(70_000);
    await expect(signaling.request({ ...chat('x'), body })).rejects.toMatchObject({ code: 'limit' });
  });

  it('are bounded in number', async () => {
    await online();
    for (let count = 0; count < 256; count += 1) void signaling.request(chat(`${count}`));
    await expect(signaling.request(chat('one more'))).rejects.toMatchObject({ code: 'limit' });
  });

  it('fail when signaling stops', async () => {
    await online();
    const request = signaling.request(chat('x'));
    signaling.stop();
    await expect(request).rejects.toMatchObject({ code: 'stopped' });
  });

  it('can be withdrawn only before a socket has carried them', async () => {
    await online();
    const late = new AbortController();
    const sent = signaling.request(chat('sent'), { signal: late.signal });
    late.abort();
    server.reachable = false;
    server.socket.drop();
    const early = new AbortController();
    const unsent = signaling.request(chat('unsent'), { signal: early.signal });
    early.abort();
    await expect(unsent).rejects.toMatchObject({ code: 'withdrawn' });
    server.reachable = true;
    server.answer = () => ok;
    server.greeting = 'resumed';
    await server.clock.advance(3_000);
    await expect(sent).resolves.toMatchObject({ t: 'ok' });
    expect(server.socket.of('chat').map((frame) => frame['chat'])).toEqual(['sent']);
  });

  it('that were withdrawn are not sent to another session', async () => {
    await online();
    const late = new AbortController();
    const sent = signaling.request(chat('sent'), { signal: late.signal });
    void signaling.request(chat('wanted'));
    const withdrawn = expect(sent).rejects.toMatchObject({ code: 'withdrawn' });
    late.abort();
    server.greeting = 'reset';
    server.socket.drop();
    await server.clock.advance(3_000);
    await withdrawn;
    expect(server.socket.of('chat').map((frame) => frame['chat'])).toEqual(['wanted']);
  });
});

describe('acknowledgements', () => {
  it('go out after 16 frames', async () => {
    await online();
    for (let count = 0; count < 16; count += 1) server.push({ t: 'go_on' } as never);
    expect(server.socket.of('ack')).toEqual([{ t: 'ack', ack: 16 }]);
  });

  it('go out after a second', async () => {
    await online();
    server.push(ok);
    await server.clock.advance(999);
    expect(server.socket.of('ack')).toEqual([]);
    await server.clock.advance(1);
    expect(server.socket.of('ack')).toEqual([{ t: 'ack', ack: 1 }]);
  });

  it('ride on other frames, and then not alone', async () => {
    await online();
    server.push(ok);
    void signaling.request(chat('x'));
    expect(server.socket.of('chat')[0]).toMatchObject({ ack: 1 });
    await server.clock.advance(1_900);
    expect(server.socket.of('ack')).toEqual([]);
  });

  it('go out in the message handler where timers sleep', async () => {
    await online();
    server.push(ok);
    server.clock.sleep(5_000);
    server.push(ok);
    expect(server.socket.of('ack')).toEqual([{ t: 'ack', ack: 2 }]);
  });
});

describe('resuming', () => {
  it('asks for what it missed with a new ticket, and the token rotates', async () => {
    await online();
    server.push(ok);
    await reconnect('resumed');
    expect(server.socket.sent[0]).toMatchObject({
      t: 'resume',
      ticket: 'ticket-2',
      session: 'session-1',
      resume_token: 'token-1',
      last_seq: 1,
    });
    expect(server.proofs[1]).toBe('dialtone resume\nticket-2\nsession-1');
    await server.clock.advance(6_000);
    await reconnect('resumed');
    expect(server.socket.sent[0]).toMatchObject({ resume_token: 'token-2' });
  });

  it('keeps the old token when the answer to a resume was lost', async () => {
    await online();
    server.greeting = null;
    server.socket.drop();
    await settle();
    server.greeting = 'resumed';
    server.socket.drop();
    await server.clock.advance(500);
    expect(server.socket.sent[0]).toMatchObject({ t: 'resume', resume_token: 'token-1' });
    expect(signaling.state).toBe('online');
  });

  it('handles each missed frame once', async () => {
    await online();
    const heard = vi.fn();
    signaling.on('call_ended', heard);
    const ended = { t: 'call_ended', call: CALL, reason: 'hangup' } as const;
    server.socket.push({ ...ended, seq: 1 });
    await reconnect('resumed');
    server.socket.push({ ...ended, seq: 1 });
    server.socket.push({ ...ended, seq: 2 });
    expect(heard).toHaveBeenCalledTimes(2);
  });

  it('takes a gap for a broken socket', async () => {
    await online();
    server.greeting = 'resumed';
    server.socket.push({ ...ok, seq: 2 });
    await settle();
    expect(server.sockets).toHaveLength(2);
    expect(server.socket.sent[0]).toMatchObject({ last_seq: 0 });
  });

  it('sends unanswered requests again in order, with their ids, and settles them once', async () => {
    await online();
    const heard = vi.fn();
    signaling.on('ok', heard);
    const requests = [signaling.request(chat('a')), signaling.request(chat('b'))];
    const ids = server.socket.of('chat').map((frame) => frame.id!);
    await reconnect('resumed');
    expect(server.socket.of('chat').map((frame) => frame.id)).toEqual(ids);
    for (const re of [ids[0]!, ids[1]!, ids[0]!]) server.push(ok, re);
    await Promise.all(requests);
    expect(heard).toHaveBeenCalledTimes(2);
  });

  it('says hello again when the session is refused twice, and treats that as a reset', async () => {
    await online();
    const reset = vi.fn(async () => {});
    signaling.onReset(reset);
    server.greeting = null;
    server.socket.drop(4001);
    await settle();
    expect(server.socket.sent[0]!.t).toBe('resume');
    server.greeting = 'welcome';
    server.socket.drop(4001);
    await server.clock.advance(1_000);
    expect(server.socket.sent[0]!.t).toBe('hello');
    expect(reset).toHaveBeenCalledOnce();
  });
});

describe('a reset', () => {
  function join(call: string): ClientMessage {
    const media = { audio: true, video: true };
    return { t: 'join', room: 'room', call, name: 'Ada', media, connections: [] };
  }

  it('lets the joins go first, then what was unanswered, then what is new', async () => {
    await online();
    signaling.onReset(async () => void (await signaling.request(join('again'))));
    void signaling.request(chat('old'));
    await reconnect('reset');
    void signaling.request(chat('new'));
    await settle();
    expect(server.socket.sent.map((frame) => frame.t)).toEqual(['resume', 'join']);
    server.push(ok, server.socket.of('join')[0]!.id);
    await settle();
    expect(server.socket.of('chat').map((frame) => frame['chat'])).toEqual(['old', 'new']);
  });

  it('counts from one again', async () => {
    await online();
    server.push(ok);
    await reconnect('reset');
    const heard = vi.fn();
    signaling.on('ok', heard);
    server.push(ok);
    expect(heard).toHaveBeenCalledOnce();
  });

  it('makes the joins of the reset before void', async () => {
    await online();
    const outcomes: string[] = [];
    signaling.onReset(async () => {
      await signaling.request(join('again')).then(
        () => outcomes.push('joined'),
        (error: { code: string }) => outcomes.push(error.code),
      );
    });
    await reconnect('reset');
    server.answer = (frame) => (frame.t === 'join' ? ok : null);
    server.socket.drop();
    await server.clock.advance(1_000);
    expect(server.socket.of('join')).toHaveLength(1);
    expect(outcomes).toEqual(['superseded', 'joined']);
  });

  it('goes on when the socket breaks before the joins are answered', async () => {
    await online();
    signaling.onReset(async () => void (await signaling.request(join('again'))));
    void signaling.request(chat('old'));
    await reconnect('reset');
    server.greeting = 'resumed';
    server.socket.drop();
    await server.clock.advance(1_000);
    expect(server.socket.sent.map((frame) => frame.t)).toEqual(['resume', 'join']);
    server.push(ok, server.socket.of('join')[0]!.id);
    await settle();
    expect(server.socket.of('chat')).toHaveLength(1);
  });

  it('is not held up by a listener that fails', async () => {
    await online();
    signaling.onReset(() => Promise.reject(new Error('no')));
    void signaling.request(chat('old'));
    await reconnect('reset');
    expect(server.socket.of('chat')).toHaveLength(1);
  });
});

describe('liveness', () => {
  it('answers a ping at once, with an acknowledgement', async () => {
    await online();
    server.push(ok);
    server.socket.push({ t: 'ping' });
    expect(server.socket.of('pong')).toEqual([{ t: 'pong', ack: 1 }]);
  });

  it('probes: two seconds of silence are a loss', async () => {
    await online();
    server.greeting = 'resumed';
    signaling.probe();
    expect(server.socket.of('ping')).toHaveLength(1);
    await server.clock.advance(1_999);
    expect(server.sockets).toHaveLength(1);
    await server.clock.advance(1);
    expect(server.sockets).toHaveLength(2);
  });

  it('takes any frame for an answer', async () => {
    await online();
    signaling.probe();
    await server.clock.advance(1_000);
    server.socket.push({ t: 'pong' });
    await server.clock.advance(5_000);
    expect(server.sockets).toHaveLength(1);
  });

  it('probes when the ping of the server is overdue, sooner in a call', async () => {
    await online();
    await server.clock.advance(20_000);
    expect(server.socket.of('ping')).toHaveLength(0);
    server.socket.push({ t: 'ping' });
    signaling.expectPings(5_000);
    await server.clock.advance(6_100);
    expect(server.socket.of('ping')).toHaveLength(1);
  });

  it('expects pings as often as any call needs', async () => {
    await online();
    const [first, second] = [signaling.expectPings(5_000), signaling.expectPings(5_000)];
    first();
    first();
    await server.clock.advance(6_100);
    expect(server.socket.of('ping')).toHaveLength(1);
    second();
    server.socket.push({ t: 'pong' });
    await server.clock.advance(20_000);
    expect(server.socket.of('ping')).toHaveLength(1);
  });

  it('probes when a request has no answer', async () => {
    await online();
    void signaling.request(chat('x'));
    await server.clock.advance(2_000);
    expect(server.socket.of('ping')).toHaveLength(1);
  });

  it('does not take its own sleep for silence', async () => {
    await online();
    signaling.probe();
    server.clock.sleep(60_000);
    await server.clock.advance(0);
    expect(server.sockets).toHaveLength(1);
    expect(server.socket.of('ping')).toHaveLength(2);
  });
});

describe('what was missed', () => {
  it('is heard of before it is caught up, which is told once', async () => {
    const heard: string[] = [];
    signaling.onCaughtUp(() => heard.push('caught up'));
    signaling.on('changed', () => heard.push(signaling.caughtUp ? 'live' : 'missed'));
    await online();
    expect(signaling.caughtUp).toBe(true);
    await server.clock.advance(6_000);
    server.upTo = 2;
    await reconnect('resumed');
    expect([signaling.state, signaling.caughtUp]).toEqual(['online', false]);
    for (let frame = 0; frame < 3; frame += 1) server.push({ t: 'changed', what: 'history' });
    expect(heard).toEqual(['caught up', 'missed', 'missed', 'caught up', 'live']);
    server.reachable = false;
    server.socket.drop();
    expect(signaling.caughtUp).toBe(false);
  });
});

describe('coming back', () => {
  it('tries at once, then with pauses of at most two seconds in the first minute', async () => {
    await online();
    await server.clock.advance(6_000);
    server.reachable = false;
    const states: string[] = [];
    signaling.onState((state) => states.push(state));
    server.greeting = 'reset';
    server.socket.drop(4006);
    await server.clock.advance(40_000);
    server.reachable = true;
    await server.clock.advance(2_000);
    expect(states).toEqual(['offline', 'online']);
  });

  it('does not turn into a storm when each socket breaks at once', async () => {
    await online();
    server.greeting = 'resumed';
    for (let count = 0; count < 20; count += 1) {
      server.socket.drop(4004);
      await server.clock.advance(100);
    }
    expect(server.sockets.length).toBeLessThan(8);
  });

  it('connects at once when the page has a reason to hope', async () => {
    await online();
    server.reachable = false;
    server.greeting = 'resumed';
    server.socket.drop();
    await server.clock.advance(20_000);
    server.reachable = true;
    signaling.probe();
    await settle();
    expect(signaling.state).toBe('online');
  });

  it('waits as long as the server asks on too many tickets', async () => {
    server.ticketStatus = 429;
    server.retryAfter = '10';
    signaling.start();
    await server.clock.advance(9_900);
    expect([signaling.state, server.tickets]).toEqual(['offline', 1]);
    server.ticketStatus = 200;
    await server.clock.advance(200);
    expect(signaling.state).toBe('online');
  });

  it.each([
    [4003, 'replaced'],
    [4002, 'protocol'],
  ])('stops at close code %i', async (code, reason) => {
    await online();
    await reconnect('resumed', code);
    await server.clock.advance(60_000);
    expect([signaling.state, signaling.stopReason]).toEqual(['stopped', reason]);
    expect(server.sockets).toHaveLength(1);
  });

  it('goes away and comes back when told', async () => {
    await online();
    server.greeting = 'reset';
    server.push({ t: 'go_away', action: 'rejoin', after_ms: 500, jitter_ms: 500 });
    server.socket.drop(4006);
    await server.clock.advance(700);
    expect(server.sockets).toHaveLength(1);
    expect(signaling.state).toBe('offline');
    await server.clock.advance(100);
    expect(server.sockets).toHaveLength(2);
    expect(signaling.state).toBe('online');
  });

  it('stops when the account was signed out, whether it hears so or finds out', async () => {
    server.account = { user: 'ada', name: 'Ada', do_not_disturb: false, call_waiting: true };
    await online();
    await reconnect('resumed', 4008);
    expect([signaling.state, signaling.stopReason]).toEqual(['stopped', 'signed_out']);
    signaling = server.signaling();
    server.greeting = 'welcome';
    await online();
    server.account = null;
    await reconnect('reset');
    expect([signaling.state, signaling.stopReason]).toEqual(['stopped', 'signed_out']);
  });

  it('stops when the server will not come back', async () => {
    await online();
    server.push({ t: 'go_away', action: 'stop', after_ms: 0, jitter_ms: 0 });
    expect([signaling.state, signaling.stopReason]).toEqual(['stopped', 'server_stopped']);
  });
});

it('lives with frames that are none', async () => {
  await online();
  for (const data of ['', '[]', 'null', '{"t":1}', '{"t":"unheard_of"}', new ArrayBuffer(4)]) {
    server.socket.pushRaw(data);
  }
  expect(signaling.state).toBe('online');
});

describe('a token', () => {
  const ROOM = 'Jx0Yq3o2TrmD5n8ZkV1b7A';

  it('is shown for every ticket, with the device it is for', async () => {
    signaling = server.signaling({ token: 'dialtone_join_x' });
    await online();
    await reconnect('resumed');
    const headers = { Authorization: 'Bearer dialtone_join_x', 'Dialtone-Device': 'k' };
    expect(server.requests.map((request) => request.headers)).toEqual([headers, headers]);
  });

  it('is not there, and nothing is told of the device, unless it is given', async () => {
    await online();
    expect(server.requests[0]).not.toHaveProperty('headers');
  });

  it('says where it leads', async () => {
    const admitted = vi.fn();
    signaling = server.signaling({ token: 't', admitted });
    server.visit = { room: ROOM, name: 'Ada', join_with: { audio: true, video: 1 } };
    await online();
    expect(admitted.mock.calls).toEqual([[{ room: ROOM, name: 'Ada', joinWith: { audio: true, video: false } }]]);
  });

  it('says nothing that is not as it should be', async () => {
    const admitted = vi.fn();
    signaling = server.signaling({ token: 't', admitted });
    server.visit = { room: 7, name: null };
    await online();
    expect(admitted).not.toHaveBeenCalled();
  });

  it.each([401, 403, 400])('that is refused with %i is not shown again', async (status) => {
    server.ticketStatus = status;
    signaling = server.signaling({ token: 't' });
    signaling.start();
    await server.clock.advance(60_000);
    expect([signaling.state, signaling.stopReason, server.tickets]).toEqual(['stopped', 'refused', 1]);
  });

  it('is tried again while the server is merely busy', async () => {
    server.ticketStatus = 503;
    signaling = server.signaling({ token: 't' });
    signaling.start();
    await settle();
    expect(signaling.state).toBe('offline');
    server.ticketStatus = 200;
    await server.clock.advance(10_000);
    expect(signaling.state).toBe('online');
  });
});
