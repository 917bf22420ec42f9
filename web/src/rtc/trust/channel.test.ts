import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../testing/clock.ts';
import { Channel, SILENCE_MS, type ChannelOptions } from './channel.ts';
import { Keyring } from './keyring.ts';
import type { Role } from './wire.ts';

const ROOM = 'Jx0Yq3o2TrmD5n8ZkV1b7A';
const SECRET = 'c7Yb2K1sR9e4mQ0zX5vN8w';
const OFFER = JSON.stringify({ type: 'offer', sdp: 'v=0 offer' });
const ANSWER = JSON.stringify({ type: 'answer', sdp: 'v=0 answer' });
const RESTART = JSON.stringify({ type: 'offer', sdp: 'v=0 restart' });

interface Frame {
  kind: 'description' | 'candidates';
  generation: number;
  bodies: string[];
  end: boolean;
}

/** One end under test, and what it has said and heard. */
class End {
  readonly channel: Channel;
  readonly said: Frame[] = [];
  readonly heard: string[] = [];
  readonly chat: string[] = [];
  readonly log: string[] = [];
  refused = '';
  up = false;
  ready = true;
  refusal: string | null = null;

  constructor(clock: FakeClock, role: Role, secret: string, change: Partial<ChannelOptions> = {}) {
    const keyring = new Keyring(ROOM, secret);
    const names = role === 'impolite' ? (['ada', 'ben'] as const) : (['ben', 'ada'] as const);
    this.channel = new Channel({
      role,
      room: ROOM,
      call: 'call',
      connection: 'connection',
      participants: names,
      generation: 0,
      link: keyring.link,
      sealing: false,
      own: () => keyring.own(`chat of ${names[0]}`),
      sendDescription: async (generation, body) => {
        this.said.push({ kind: 'description', generation, bodies: [body], end: false });
        return this.refusal;
      },
      sendCandidates: (generation, bodies, end) => void this.said.push({ kind: 'candidates', generation, bodies, end }),
      description: (generation, body) => this.heard.push(`${generation} ${JSON.parse(body).sdp}`),
      candidates: (generation, bodies, end) => this.heard.push(`${generation} ${bodies.join()}${end ? ' end' : ''}`),
      chat: (key) => this.chat.push(key),
      wasUp: () => this.up,
      ready: () => this.ready,
      changed: () => {},
      refused: (why) => (this.refused = why),
      clock,
      log: (what) => this.log.push(what),
      ...change,
    });
  }

  /** Gets a frame of the other end. */
  get({ kind, generation, bodies, end }: Frame): void {
    if (kind === 'candidates') this.channel.receivedCandidates(generation, bodies, end);
    else this.channel.received(generation, bodies[0]);
  }

  /** What it has said since the last time. */
  take(): Frame[] {
    return this.said.splice(0);
  }
}

/** What somebody between the two does with each frame; empty drops it. */
type Between = (frame: Frame, from: End) => Frame[];
const honest: Between = (frame) => [frame];

let clock: FakeClock;
let ada: End;
let ben: End;

function meet(secrets: [string, string] = [SECRET, SECRET], changes: Partial<ChannelOptions>[] = [{}, {}]): void {
  clock = new FakeClock();
  ada = new End(clock, 'impolite', secrets[0], changes[0]);
  ben = new End(clock, 'polite', secrets[1], changes[1]);
}

beforeEach(() => meet());

/** Carries what both say until they say no more. */
async function carry(between: Between = honest): Promise<void> {
  for (let more = true; more; ) {
    more = false;
    await settle();
    for (const [from, to] of [[ada, ben], [ben, ada]] as const) {
      for (const frame of from.take()) {
        more = true;
        for (const passed of between(frame, from)) to.get(passed);
      }
    }
  }
}

async function connect(between: Between = honest): Promise<void> {
  ada.channel.start();
  ben.channel.start();
  ada.channel.sendDescription(0, OFFER);
  ada.channel.sendCandidates(0, ['{"candidate":"a"}'], true);
  await carry(between);
  if (ben.heard.length > 0) ben.channel.sendDescription(0, ANSWER);
  await carry(between);
}

async function up(between: Between = honest): Promise<void> {
  await connect(between);
  expect([ada.heard, ben.heard]).toEqual([['0 v=0 answer'], ['0 v=0 offer', '0 {"candidate":"a"} end']]);
  ada.up = ben.up = true;
}

const sealedIs = (body: string) => JSON.parse(body).dialtone === 'sealed';
const helloIs = (body: string) => JSON.parse(body).dialtone === 'hello';
const withBody = (frame: Frame, body: string): Frame => ({ ...frame, bodies: [body] });

function bend(body: string, change: (fields: Record<string, any>) => void): string {
  const fields = JSON.parse(body);
  change(fields);
  return JSON.stringify(fields);
}

function flipped(text: string, at: number): string {
  const other = text[at] === 'A' ? 'B' : 'A';
  return text.slice(0, at) + other + text.slice(at + 1);
}

describe('two ends with the same link', () => {
  it('seal everything but their hellos, prove the link, and have the same words', async () => {
    const seen: string[] = [];
    await up((frame) => (seen.push(...frame.bodies), [frame]));
    expect(seen.filter((body) => !sealedIs(body)).map((body) => JSON.parse(body).dialtone)).toEqual(['hello', 'hello']);
    expect(seen.join()).not.toMatch(/v=0|offer|candidate"|chat of|c7Yb2K1sR9e4mQ0zX5vN8w/);
    expect(ada.channel.trust).toMatchObject({ sealed: true, byLink: true, altered: 0 });
    expect(ben.channel.trust).toMatchObject({ sealed: true, byLink: true, altered: 0 });
    expect(ada.channel.trust.signs).toHaveLength(4);
    expect(ben.channel.trust.signs).toEqual(ada.channel.trust.signs);
    expect([ada.chat.at(-1), ben.chat.at(-1)]).toEqual(['chat of ben', 'chat of ada']);
    expect([ada.refused, ben.refused]).toEqual(['', '']);
  });

  it('say hello at once, and the first offer follows the other hello', async () => {
    ada.channel.start();
    ben.channel.start();
    ada.channel.sendDescription(0, OFFER);
    await settle();
    const [hellos, answers] = [ada.take(), ben.take()];
    expect([hellos, answers].map((frames) => frames.map(({ bodies }) => helloIs(bodies[0]!)))).toEqual([[true], [true]]);
    for (const frame of hellos) ben.get(frame);
    for (const frame of answers) ada.get(frame);
    await settle();
    const [first] = ada.take();
    ben.get(first!);
    await settle();
    expect(ben.heard).toEqual(['0 v=0 offer']);
  });

  it('know each other by the keys they sign with', async () => {
    await up();
    expect(ada.channel.trust.key).toMatch(/^B/);
    expect(ada.channel.trust.key).not.toBe(ben.channel.trust.key);
  });

  it('restart from either side, in a new generation', async () => {
    await up();
    ben.channel.sendDescription(1, RESTART);
    await carry();
    ada.channel.sendDescription(1, ANSWER);
    await carry();
    expect([ada.heard.at(-1), ben.heard.at(-1)]).toEqual(['1 v=0 restart', '1 v=0 answer']);
  });

  it('go on when a server that is restarted has lost what it had taken, or sends it twice', async () => {
    let lost = 0;
    await connect((frame, from) => (from === ben && lost++ === 0 ? [] : [frame, frame]));
    expect(ada.channel.trust.sealed).toBeNull();
    ben.channel.recover();
    ada.channel.recover();
    await carry((frame) => [frame, frame]);
    ada.channel.sendDescription(1, RESTART);
    await carry();
    expect(ben.heard.at(-1)).toBe('1 v=0 restart');
    expect(ben.channel.trust.signs).toEqual(ada.channel.trust.signs);
    expect([ada.refused, ben.refused]).toEqual(['', '']);
  });

  it('say again what the server has dropped as too old', async () => {
    ada.refusal = 'gone';
    ada.channel.start();
    await settle();
    expect(ada.take()).toHaveLength(1);
    ada.refusal = null;
    ada.channel.known(3);
    await settle();
    expect(ada.take()).toMatchObject([{ generation: 3 }]);
  });
});

describe('somebody in between', () => {
  it('cannot put fingerprints of their own into a description, at set-up or later', async () => {
    const swap: Between = (frame, from) =>
      from === ada && sealedIs(frame.bodies[0]!)
        ? [withBody(frame, bend(frame.bodies[0]!, (fields) => (fields['data'] = flipped(fields['data'], 60))))]
        : [frame];
    await connect(swap);
    expect([ben.heard, ben.refused]).toEqual([[], 'unproven']);
    meet();
    await up();
    ada.channel.sendDescription(1, RESTART);
    await carry(swap);
    expect([ben.heard.length, ben.refused, ben.channel.trust.altered]).toEqual([2, '', 1]);
  });

  it('cannot change any field of a hello', async () => {
    const changes: ((fields: Record<string, any>) => void)[] = [
      (fields) => (fields['v'] = 2),
      (fields) => (fields['nonce'] = `${flipped(fields['nonce'], 3)}`),
      (fields) => (fields['user'] = 'U1s4d7F0g3H6j9K2l5Z8xQ'),
      (fields) => (fields['signing'] = fields['ephemeral']),
      (fields) => (fields['ephemeral'] = fields['signing']),
      (fields) => (fields['ephemeral'] = `B${'A'.repeat(86)}`),
      (fields) => (fields['role'] = 'polite'),
      (fields) => (fields['link'] = false),
      (fields) => (fields['more'] = 'of something'),
      (fields) => delete fields['nonce'],
    ];
    for (const change of changes) {
      meet();
      await connect((frame, from) => {
        const body = frame.bodies[0]!;
        return [from === ada && helloIs(body) ? withBody(frame, bend(body, change)) : frame];
      });
      expect([ben.heard, ben.refused !== '']).toEqual([[], true]);
      expect(ada.heard).toEqual([]);
    }
  });

  it('cannot move a message to another generation or another kind', async () => {
    await up();
    ada.channel.sendDescription(1, RESTART);
    await carry((frame) => [{ ...frame, generation: 2 }]);
    ada.channel.sendCandidates(1, ['{"candidate":"b"}'], false);
    await carry((frame) => [{ ...frame, kind: 'description' }]);
    expect([ben.heard.length, ben.channel.trust.altered]).toEqual([2, 2]);
  });

  it('cannot repeat anything, nor send it back', async () => {
    const all: Frame[] = [];
    await up((frame) => (all.push(frame), [frame]));
    const before = [ada.heard.length, ben.heard.length];
    for (const frame of all) ben.get(frame);
    await carry();
    expect([ada.heard.length, ben.heard.length]).toEqual(before);
    expect(ben.log).toContain('a repeated message was ignored');
    meet();
    await connect((frame, from) => ((from === ada ? ada : ben).get(frame), []));
    expect([ada.refused, ben.refused]).toEqual(['unproven', 'unproven']);
    expect([ada.heard, ben.heard]).toEqual([[], []]);
  });

  it('cannot take part without the secret', async () => {
    meet([SECRET, 'AAAAAAAAAAAAAAAAAAAAAA']);
    await connect();
    expect([ada.heard, ben.heard]).toEqual([[], []]);
    expect([ada.refused || ben.refused, ada.channel.trust.byLink]).toEqual(['unproven', false]);
  });

  it('cannot make one connection out of two', async () => {
    for (const change of [{ room: 'other' }, { call: 'other' }, { connection: 'other' }, { participants: ['ben', 'eve'] as const }]) {
      meet([SECRET, SECRET], [{}, change]);
      await connect();
      expect([ben.heard, ada.refused || ben.refused], JSON.stringify(change)).toEqual([[], 'unproven']);
    }
  });

  it('cannot make both ends the same one', async () => {
    meet();
    ben = new End(clock, 'impolite', SECRET);
    await connect();
    expect([ada.refused, ben.refused]).toEqual(['unproven', 'unproven']);
  });

  it('gets different words at the two ends when there is no secret', async () => {
    meet(['', '']);
    const [toBen, toAda] = [new End(clock, 'impolite', ''), new End(clock, 'polite', '')];
    toBen.channel.start();
    toAda.channel.start();
    toBen.channel.sendDescription(0, OFFER);
    ada.channel.start();
    ben.channel.start();
    ada.channel.sendDescription(0, OFFER);
    for (let turn = 0; turn < 12; turn += 1) {
      await settle();
      for (const [from, to] of [[ada, toAda], [toAda, ada], [toBen, ben], [ben, toBen]] as const) {
        for (const frame of from.take()) to.get(frame);
      }
    }
    expect(ada.channel.trust).toMatchObject({ sealed: true, byLink: false });
    expect(ada.channel.trust.signs).toHaveLength(4);
    expect(ben.channel.trust.signs).toHaveLength(4);
    expect(ben.channel.trust.signs).not.toEqual(ada.channel.trust.signs);
    expect(ben.channel.trust.key).not.toBe(ada.channel.trust.key);
  });

  it('cannot strip the handshake where a secret or an earlier call asks for it', async () => {
    const strip: Between = () => [];
    for (const [secret, change] of [[SECRET, {}], ['', { sealing: true }]] as const) {
      meet([secret, secret], [change, change]);
      await connect(strip);
      ben.get({ kind: 'description', generation: 0, bodies: [OFFER], end: false });
      await clock.advance(SILENCE_MS);
      await settle();
      expect([ada.refused, ben.refused, ben.heard]).toEqual(['unsealed', 'unsealed', []]);
    }
  });

  it('cannot go over to plain messages later', async () => {
    meet(['', '']);
    await up();
    ben.get({ kind: 'description', generation: 1, bodies: [RESTART], end: false });
    ben.get({ kind: 'candidates', generation: 1, bodies: ['{"candidate":"e"}'], end: false });
    await carry();
    expect([ben.heard.length, ben.channel.trust.altered]).toEqual([2, 2]);
  });

  it('gets nowhere with nonsense, cut off or huge', async () => {
    await up();
    const sealed = JSON.stringify({ dialtone: 'sealed', n: 99, data: 'A'.repeat(40) });
    const bodies = ['', '{', 'null', '[]', '"x"', sealed, sealed.slice(0, 30), bend(sealed, (fields) => (fields['n'] = 1e99)),
      bend(sealed, (fields) => (fields['n'] = -1)), bend(sealed, (fields) => (fields['data'] = 7)), bend(sealed, (fields) => (fields['data'] = '%')),
      JSON.stringify({ dialtone: 'other' }), `{"dialtone":"hello","v":1,"x":"${'x'.repeat(2_000)}"}`, 'x'.repeat(10_000_000)];
    for (const body of [...bodies, undefined, 7, {}]) ben.channel.received(0, body);
    ben.channel.receivedCandidates(0, [...bodies, undefined, 7], false);
    ben.channel.receivedCandidates(0, 'no list', false);
    ben.channel.receivedCandidates(0, Array(100_000).fill(sealed), false);
    await carry();
    expect([ben.heard.length, ben.refused]).toEqual([2, '']);
    ada.channel.sendDescription(1, RESTART);
    await carry();
    expect(ben.heard.at(-1)).toBe('1 v=0 restart');
  });
});

describe('a link that only one end has whole', () => {
  it('is refused by both, each saying its own side of it', async () => {
    meet([SECRET, '']);
    await connect();
    expect([ada.refused, ben.refused]).toEqual(['link_missing', 'link_needed']);
    expect([ada.heard, ben.heard]).toEqual([[], []]);
  });
});

describe('an end that does not seal', () => {
  it('is talked to where nothing asks for more: the impolite one waits a moment for its hello', async () => {
    meet(['', '']);
    ada.channel.start();
    ada.channel.sendDescription(0, OFFER);
    await settle();
    expect(ada.take()).toHaveLength(1);
    ada.ready = false;
    await clock.advance(SILENCE_MS);
    await settle();
    expect(ada.take()).toEqual([]);
    ada.ready = true;
    await clock.advance(SILENCE_MS);
    await settle();
    expect(ada.take().map(({ bodies }) => bodies[0])).toEqual([OFFER]);
    ada.channel.received(0, ANSWER);
    ada.channel.receivedCandidates(0, ['{"candidate":"p"}'], false);
    await settle();
    expect(ada.heard).toEqual(['0 v=0 answer', '0 {"candidate":"p"}']);
    expect(ada.channel.trust).toMatchObject({ sealed: false, byLink: false, signs: null });
  });

  it('is answered plainly', async () => {
    meet(['', '']);
    ben.channel.start();
    ben.channel.received(0, OFFER);
    ben.channel.sendDescription(0, ANSWER);
    await settle();
    expect(ben.heard).toEqual(['0 v=0 offer']);
    expect(ben.take().at(-1)!.bodies).toEqual([ANSWER]);
  });
});
