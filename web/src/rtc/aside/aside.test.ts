import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, settle } from '../testing/clock.ts';
import { drain, pipe, type PipeEnd } from '../testing/pipe.ts';
import { Aside } from './aside.ts';
import { encodePart, encodeSaid, MAX_FILE_BYTES, PART_BYTES, type Said } from './wire.ts';

let clock: FakeClock;
let poor: boolean;
let ada: Aside;
let ben: Aside;
let ends: [PipeEnd, PipeEnd];

function aside(): Aside {
  return new Aside({ clock, log: () => {}, poor: () => poor, changed: () => {} });
}

beforeEach(async () => {
  clock = new FakeClock();
  poor = false;
  [ada, ben] = [aside(), aside()];
  await meet();
});

/** A new connection between the two. */
async function meet(): Promise<void> {
  ends = pipe();
  ada.attach(ends[0].channel);
  ben.attach(ends[1].channel);
  for (const end of ends) end.open();
  await drain(...ends);
}

function bytes(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
}

const file = (length: number, name = 'a.bin') => new File([bytes(length)], name, { type: 'text/html' });
const states = (of: Aside) => of.snapshot.files.map(({ state }) => state);
const only = (of: Aside) => of.snapshot.files[0]!;
/** Something comes to Ben that Ada has not said. */
const lie = (said: Said) => ends[1].receive(encodeSaid(said));

/** Ada offers, Ben has heard it. */
async function offered(length: number): Promise<string> {
  expect(ada.send(file(length))).toBeNull();
  await drain(...ends);
  return only(ben).id;
}

describe('a file', () => {
  it('goes over when it is accepted, byte for byte, and opens as nothing', async () => {
    const length = 5 * PART_BYTES + 7;
    ben.answer(await offered(length), true);
    await drain(...ends);
    expect([states(ada), states(ben)]).toEqual([['done'], ['done']]);
    const content = ben.content(only(ben).id)!;
    expect(content.type).toBe('application/octet-stream');
    expect(new Uint8Array(await content.arrayBuffer())).toEqual(bytes(length));
    expect(only(ben)).toMatchObject({ name: 'a.bin', size: length, moved: length, mine: false });
  });

  it('sends no byte of itself before', async () => {
    await offered(PART_BYTES);
    await clock.advance(60_000);
    expect(ends[0].waiting).toEqual([]);
    ben.answer(only(ben).id, false);
    await drain(...ends);
    expect([states(ada), states(ben), ends[0].waiting]).toEqual([['declined'], ['declined'], []]);
  });

  it('waits while the channel is full, and goes on when it has drained', async () => {
    ben.answer(await offered(60 * PART_BYTES), true);
    ends[1].flow();
    await settle();
    const buffered = ends[0].bufferedAmount;
    expect(buffered).toBeGreaterThan(64 * 1024);
    expect(buffered).toBeLessThan(60 * PART_BYTES);
    await clock.advance(10_000);
    expect(ends[0].bufferedAmount).toBe(buffered);
    await drain(...ends);
    expect([states(ben), ends[0].mostBuffered < 256 * 1024]).toEqual([['done'], true]);
  });

  it('goes slowly while the call suffers', async () => {
    poor = true;
    ben.answer(await offered(4 * PART_BYTES), true);
    await drain(...ends);
    expect(only(ben).moved).toBe(PART_BYTES);
    await clock.advance(500);
    await drain(...ends);
    expect(only(ben).moved).toBe(2 * PART_BYTES);
    poor = false;
    await clock.advance(500);
    await drain(...ends);
    expect(states(ben)).toEqual(['done']);
  });

  it.each(['the sender', 'the receiver'])('can be stopped by %s, and what was on its way harms nobody', async (who) => {
    ben.answer(await offered(40 * PART_BYTES), true);
    ends[1].flow();
    await settle();
    ends[0].flow();
    if (who === 'the sender') ada.cancel(only(ada).id);
    else ben.cancel(only(ben).id);
    await drain(...ends);
    expect([states(ada), states(ben)]).toEqual(who === 'the sender' ? [['cancelled'], ['stopped']] : [['stopped'], ['cancelled']]);
    expect([ada.snapshot.state, ben.snapshot.state, ben.content(only(ben).id)]).toEqual(['ready', 'ready', null]);
    // The channel serves the next one.
    expect(ada.send(file(3))).toBeNull();
    await drain(...ends);
    ben.answer(ben.snapshot.files[1]!.id, true);
    await drain(...ends);
    expect(states(ben)[1]).toBe('done');
  });

  it('has failed when the connection is replaced, and can be offered again', async () => {
    ben.answer(await offered(40 * PART_BYTES), true);
    ends[1].flow();
    await settle();
    ends[0].flow();
    ada.detach(ends[0].channel);
    expect([states(ada), ada.snapshot.state, ada.send(file(1))]).toEqual([['failed'], 'closed', 'unavailable']);
    expect(ada.canAgain(only(ada).id)).toBe(false);
    await meet();
    expect(states(ben)).toEqual(['failed']);
    expect(ada.canAgain(only(ada).id)).toBe(true);
    expect(ada.again(only(ada).id)).toBeNull();
    await drain(...ends);
    ben.answer(ben.snapshot.files[1]!.id, true);
    await drain(...ends);
    expect([states(ada), states(ben)]).toEqual([['failed', 'done'], ['failed', 'done']]);
  });

  it('goes on by itself when only the path was lost for a while', async () => {
    ben.answer(await offered(30 * PART_BYTES), true);
    ends[1].flow();
    await clock.advance(20_000);
    expect(states(ada)).toEqual(['moving']);
    await drain(...ends);
    expect(states(ben)).toEqual(['done']);
  });

  it('that cannot be read any more is withdrawn', async () => {
    const gone = file(10);
    Object.defineProperty(gone, 'slice', { value: () => ({ arrayBuffer: () => Promise.reject(new Error('NotReadableError')) }) });
    ada.send(gone);
    await drain(...ends);
    ben.answer(only(ben).id, true);
    await drain(...ends);
    expect([states(ada), states(ben)]).toEqual([['failed'], ['stopped']]);
  });

  it('is not offered when it is empty, too large, or one too many', () => {
    expect(ada.send(file(0))).toBe('empty');
    const large = file(1);
    Object.defineProperty(large, 'size', { value: MAX_FILE_BYTES + 1 });
    expect(ada.send(large)).toBe('too_large');
    const all = Array.from({ length: 51 }, () => ada.send(file(1)));
    expect(all.slice(-2)).toEqual([null, 'too_many']);
  });
});

describe('another end', () => {
  it('that says nothing of all this is taken to know none of it', async () => {
    const [one] = pipe();
    ada.attach(one.channel);
    one.open();
    expect(ada.snapshot.state).toBe('asking');
    await clock.advance(5_000);
    expect([ada.snapshot.state, ada.send(file(1)), ada.react('heart')]).toEqual(['absent', 'unavailable', false]);
    // Late is better than never.
    one.receive(encodeSaid({ t: 'hello' }));
    expect(ada.snapshot.state).toBe('ready');
  });

  it.each([
    ['a file nobody accepted', () => (lie({ t: 'offer', file: 1, name: 'x', size: 9 }), ends[1].receive(encodePart(1, new ArrayBuffer(9))))],
    ['a file nobody offered', () => ends[1].receive(encodePart(1, new ArrayBuffer(9)))],
    ['an empty part', () => ends[1].receive(new ArrayBuffer(4))],
    ['a part that is too long', () => ends[1].receive(new ArrayBuffer(PART_BYTES + 5))],
    ['nonsense', () => ends[1].receive('{"t":')],
    ['something that is neither text nor bytes', () => ends[1].receive(new Blob(['x']))],
    ['an answer to nothing', () => lie({ t: 'accept', file: 3 })],
    ['endless offers', () => Array.from({ length: 9 }, (_, i) => lie({ t: 'offer', file: i + 1, name: 'x', size: 9 }))],
    ['endless messages', () => Array.from({ length: 300 }, () => lie({ t: 'hello' }))],
  ])('that sends %s is not listened to any more', async (_what, say) => {
    say();
    await settle();
    expect([ben.snapshot.state, ends[1].readyState]).toEqual(['broken', 'closed']);
    expect(ben.snapshot.files.every(({ state, moved }) => state === 'failed' && moved === 0)).toBe(true);
    lie({ t: 'reaction', reaction: 'heart' });
    expect([ben.snapshot.reactions, ben.send(file(1))]).toEqual([[], 'unavailable']);
  });

  it('that sends a byte too many gets nothing through', async () => {
    lie({ t: 'offer', file: 1, name: 'x', size: 9 });
    ben.answer(only(ben).id, true);
    ends[1].receive(encodePart(1, new ArrayBuffer(10)));
    expect([ben.snapshot.state, states(ben), ben.content(only(ben).id)]).toEqual(['broken', ['failed'], null]);
  });

  it('cannot say anything before hello', () => {
    const [one] = pipe();
    ben.attach(one.channel);
    one.open();
    one.receive(encodeSaid({ t: 'reaction', reaction: 'heart' }));
    expect(ben.snapshot.state).toBe('broken');
  });

  it('that is replaced is not heard any more', async () => {
    const before = ends[1];
    await meet();
    before.receive('{');
    expect(ben.snapshot.state).toBe('ready');
    ben.detach(before.channel);
    expect(ben.snapshot.state).toBe('ready');
  });
});

describe('reactions', () => {
  it('are seen at both ends', async () => {
    expect(ada.react('party')).toBe(true);
    await drain(...ends);
    expect(ada.snapshot.reactions).toMatchObject([{ mine: true, reaction: 'party' }]);
    expect(ben.snapshot.reactions).toMatchObject([{ mine: false, reaction: 'party' }]);
  });

  it('are few: at this end, and if the other one sends many', async () => {
    const shown = Array.from({ length: 10 }, () => ada.react('clap')).filter(Boolean);
    expect(shown).toHaveLength(4);
    await clock.advance(1_000);
    expect([ada.react('clap'), ada.react('clap')]).toEqual([true, false]);
    const ids = new Set<string>();
    for (let i = 0; i < 100; i += 1) {
      lie({ t: 'reaction', reaction: 'wow' });
      for (const { id } of ben.snapshot.reactions) ids.add(id);
    }
    expect(ids.size).toBe(8);
    expect(ben.snapshot.state).toBe('ready');
  });
});
