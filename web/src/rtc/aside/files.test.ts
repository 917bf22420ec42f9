import { beforeEach, describe, expect, it } from 'vitest';
import { Files, MOST_FILES, MOST_OFFERED, type FileState, type Part } from './files.ts';
import { MAX_FILE_BYTES, PART_BYTES, type Said } from './wire.ts';

let files: Files;

beforeEach(() => {
  files = new Files();
  files.opened();
});

const offer = (file: number, size = 100, name = 'a.txt'): Said => ({ t: 'offer', file, name, size });
const hear = (said: Said, id = `id ${'file' in said ? said.file : ''}`) => files.heard(said, id, 5);
const states = (of = files) => of.lines.map(({ state }) => state);

describe('a file of ours', () => {
  beforeEach(() => {
    expect(files.offer('mine', '../a.txt', PART_BYTES + 1, 5)).toEqual([
      { t: 'offer', file: 1, name: 'a.txt', size: PART_BYTES + 1 },
    ]);
  });

  it('is sent in parts once it is accepted, and is done when the other end has it', () => {
    expect(files.next).toBeNull();
    expect(hear({ t: 'accept', file: 1 })).toEqual([]);
    expect(files.next).toEqual({ id: 'mine', file: 1, offset: 0, length: PART_BYTES });
    files.sent(files.next!);
    expect(files.next).toMatchObject({ offset: PART_BYTES, length: 1 });
    files.sent(files.next!);
    expect([files.next, states()]).toEqual([null, ['moving']]);
    expect([hear({ t: 'got', file: 1 }), states()]).toEqual([[], ['done']]);
  });

  it.each([
    ['declined', [{ t: 'decline', file: 1 }], 'declined'],
    ['stopped by the other', [{ t: 'accept', file: 1 }, { t: 'decline', file: 1 }], 'stopped'],
  ] as [string, Said[], FileState][])('is %s, and nothing more is sent', (_how, said, state) => {
    for (const each of said) expect(hear(each)).toEqual([]);
    expect([files.next, states()]).toEqual([null, [state]]);
  });

  it('is withdrawn, and what crosses that is ignored', () => {
    expect(files.cancel('mine')).toEqual([{ t: 'withdraw', file: 1 }]);
    for (const t of ['accept', 'decline', 'got'] as const) expect(hear({ t, file: 1 })).toEqual([]);
    expect([files.next, states(), files.cancel('mine')]).toEqual([null, ['cancelled'], []]);
  });

  it('is withdrawn when it cannot be read', () => {
    hear({ t: 'accept', file: 1 });
    expect([files.unreadable('mine'), states()]).toEqual([[{ t: 'withdraw', file: 1 }], ['failed']]);
  });

  it.each([
    ['it was not offered', { t: 'accept', file: 2 }],
    ['it had it before it was accepted', { t: 'got', file: 1 }],
  ] as [string, Said][])('is wrong where the other end says that %s', (_what, said) => {
    expect(hear(said)).toBeNull();
  });

  it('is wrong where the other end says it has all of it, and cannot, or accepts twice', () => {
    hear({ t: 'accept', file: 1 });
    files.sent(files.next!);
    expect(hear({ t: 'got', file: 1 })).toBeNull();
    expect(hear({ t: 'accept', file: 1 })).toBeNull();
  });

  it('has failed when the channel ends, and another channel counts anew', () => {
    hear({ t: 'accept', file: 1 });
    files.closed();
    expect([states(), files.next]).toEqual([['failed'], null]);
    files.opened();
    expect(files.offer('again', 'b', 1, 6)).toMatchObject([{ file: 1 }]);
    hear({ t: 'accept', file: 1 });
    expect(files.next).toMatchObject({ id: 'again' });
  });
});

it('offers no more than may wait for an answer, and the rest as answers come', () => {
  const said = Array.from({ length: MOST_OFFERED + 2 }, (_, i) => files.offer(`f${i}`, 'x', 1, 5));
  expect(said.flat()).toHaveLength(MOST_OFFERED);
  expect(states().slice(-2)).toEqual(['queued', 'queued']);
  expect(hear({ t: 'decline', file: 1 })).toMatchObject([{ t: 'offer', file: MOST_OFFERED + 1 }]);
  expect(files.cancel('f1')).toMatchObject([{ t: 'withdraw', file: 2 }, { t: 'offer', file: MOST_OFFERED + 2 }]);
});

it('offers nothing that is empty, too large, or one too many', () => {
  expect(files.offer('a', 'x', 0, 5)).toBeNull();
  expect(files.offer('b', 'x', MAX_FILE_BYTES + 1, 5)).toBeNull();
  expect(files.offer('c', 'x', Number.NaN, 5)).toBeNull();
  for (let i = 0; i < MOST_FILES; i += 1) expect(files.offer(`f${i}`, 'x', MAX_FILE_BYTES, 5)).not.toBeNull();
  expect(files.offer('d', 'x', 1, 5)).toBeNull();
});

describe('a file of theirs', () => {
  beforeEach(() => void hear(offer(1, PART_BYTES + 100), 'theirs'));

  it('comes once it is accepted, and is done with its last byte', () => {
    expect(files.answer('theirs', true)).toEqual([{ t: 'accept', file: 1 }]);
    expect(files.part(1, PART_BYTES)).toEqual({ id: 'theirs', verdict: 'take' });
    expect(files.part(1, 100)).toEqual({ id: 'theirs', verdict: 'last' });
    expect(states()).toEqual(['done']);
    expect([files.answer('theirs', true), files.cancel('theirs')]).toEqual([[], []]);
  });

  it.each([
    ['before it is accepted', () => {}],
    ['after it was declined', () => files.answer('theirs', false)],
    ['after it was withdrawn', () => [files.answer('theirs', true), hear({ t: 'withdraw', file: 1 })]],
    ['after it was done', () => [files.answer('theirs', true), files.part(1, PART_BYTES), files.part(1, 100)]],
  ])('is wrong %s', (_when, before) => {
    before();
    expect(files.part(1, 1).verdict).toBe('wrong');
  });

  it('is wrong with a byte too many, in crumbs, or of a number that was not offered', () => {
    files.answer('theirs', true);
    expect(files.part(1, PART_BYTES - 1).verdict).toBe('wrong');
    expect(files.part(1, PART_BYTES).verdict).toBe('take');
    expect(files.part(1, 101).verdict).toBe('wrong');
    expect(files.part(1, 99).verdict).toBe('wrong');
    expect(files.part(1, 100).verdict).toBe('last');
    expect(files.part(2, 1).verdict).toBe('wrong');
    expect(files.part(0, 1).verdict).toBe('wrong');
  });

  it('may still come for a moment when it was cancelled, but no longer than it was', () => {
    files.answer('theirs', true);
    files.part(1, PART_BYTES);
    expect(files.cancel('theirs')).toEqual([{ t: 'decline', file: 1 }]);
    expect(files.part(1, 100).verdict).toBe('late');
    expect(files.part(1, 1).verdict).toBe('wrong');
    expect(files.lines[0]).toMatchObject({ state: 'cancelled', moved: PART_BYTES });
  });

  it('can be withdrawn, which a person who answers at that moment may not know', () => {
    expect(hear({ t: 'withdraw', file: 1 })).toEqual([]);
    expect([states(), files.answer('theirs', true)]).toEqual([['stopped'], []]);
    expect(hear({ t: 'withdraw', file: 1 })).toEqual([]);
    expect(hear({ t: 'withdraw', file: 2 })).toBeNull();
  });

  it('cannot be offered under a number that was used', () => {
    expect(hear(offer(1))).toBeNull();
    expect(hear(offer(7))).toEqual([]);
    expect(hear(offer(6))).toBeNull();
  });

  it('is one of a few that wait, and nobody honest offers more', () => {
    for (let file = 2; file <= MOST_OFFERED; file += 1) expect(hear(offer(file))).toEqual([]);
    expect(hear(offer(MOST_OFFERED + 1))).toBeNull();
  });

  it('is declined unseen when it is too large', () => {
    expect(hear(offer(2, MAX_FILE_BYTES + 1))).toEqual([{ t: 'decline', file: 2 }]);
    expect(files.lines).toHaveLength(1);
    expect(hear({ t: 'withdraw', file: 2 })).toEqual([]);
    expect(files.part(2, 1).verdict).toBe('wrong');
  });

  it('is declined unseen when there were too many', () => {
    for (let file = 2; file <= MOST_FILES + 3; file += 1) {
      const said = hear(offer(file));
      expect(said).toEqual(file <= MOST_FILES ? [] : [{ t: 'decline', file }]);
      hear({ t: 'withdraw', file });
    }
    expect(files.lines).toHaveLength(MOST_FILES);
  });

  it('does not answer for the other way', () => {
    // Theirs is number 1; of ours there is none.
    for (const t of ['accept', 'decline', 'got'] as const) expect(hear({ t, file: 1 })).toBeNull();
    expect([files.cancel('theirs'), files.cancel('nobody')]).toEqual([[], []]);
  });
});

/** Numbers that a seed repeats (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const SEEDS = Array.from({ length: 100 }, (_, seed) => seed);

/** Two honest ends, and what is under way between them. */
class Two {
  readonly ends = [new Files(), new Files()] as const;
  readonly under: (Said | Part)[][] = [[], []];
  readonly accepted = new Set<string>();
  #ids = 0;

  constructor(readonly draw: (below: number) => number) {
    this.ends.forEach((end, from) => this.say(from, end.opened()));
  }

  say(from: number, said: readonly Said[] | null): void {
    expect(said).not.toBeNull();
    this.under[from]!.push(...said!);
  }

  step(): void {
    const at = this.draw(2);
    const end = this.ends[at]!;
    const [one] = end.lines.slice(this.draw(end.lines.length || 1));
    const what = this.draw(9);
    if (what === 0) this.say(at, end.offer(`o${++this.#ids}`, 'x', 1 + this.draw(3 * PART_BYTES), 0) ?? []);
    else if (what === 1 && one) this.say(at, end.answer(one.id, this.draw(4) > 0));
    else if (what === 2 && one && this.draw(3) === 0) this.say(at, end.cancel(one.id));
    else if (what === 3 && one?.mine && this.draw(6) === 0) this.say(at, end.unreadable(one.id));
    else if (what < 6) this.send(at);
    else this.deliver(at);
  }

  send(at: number): boolean {
    const part = this.ends[at]!.next;
    if (!part) return false;
    this.under[at]!.push(part);
    this.ends[at]!.sent(part);
    return true;
  }

  /** The oldest of what this end has sent arrives. */
  deliver(from: number): boolean {
    const one = this.under[from]!.shift();
    if (!one) return false;
    const to = this.ends[1 - from]!;
    if ('t' in one) this.say(1 - from, to.heard(one, `t${++this.#ids}`, 0));
    else {
      const { verdict } = to.part(one.file, one.length);
      expect(verdict).not.toBe('wrong');
      if (verdict === 'last') this.say(1 - from, [{ t: 'got', file: one.file }]);
    }
    return true;
  }

  rest(): void {
    while ([0, 1].map((at) => this.send(at) || this.deliver(at)).includes(true));
  }
}

it.each(SEEDS)('two honest ends agree in whatever order things happen (%i)', (seed) => {
  const two = new Two(random(seed));
  for (let i = 0; i < 400; i += 1) {
    two.step();
    for (const { lines } of two.ends) {
      const waiting = (mine: boolean) => lines.filter((line) => line.mine === mine && line.state === 'offered');
      const good = waiting(true).length <= MOST_OFFERED && waiting(false).length <= MOST_OFFERED;
      if (!good || waiting(false).some(({ moved }) => moved > 0)) expect(lines).toBe('within the limits');
    }
  }
  two.rest();
  // Whose end it was is seen from the other side; what the persons did not decide waits at both.
  const seen: Record<FileState, FileState[]> = {
    queued: [],
    offered: ['offered'],
    moving: ['moving'],
    done: ['done'],
    declined: ['declined'],
    // Two may cancel at once.
    cancelled: ['stopped', 'declined', 'cancelled', 'done'],
    stopped: ['cancelled'],
    failed: ['stopped', 'declined', 'cancelled', 'done'],
  };
  for (const [at, end] of two.ends.entries()) {
    const ours = end.lines.filter(({ mine, state }) => mine && state !== 'queued');
    const theirs = two.ends[1 - at]!.lines.filter(({ mine }) => !mine);
    const offered = ours.filter((line) => !(line.state === 'cancelled' && line.moved === 0) || theirs.length > 0);
    // Every one that was offered is known at the other end, in its order.
    let place = 0;
    for (const line of offered) {
      const other = theirs[place];
      if (!other || other.size !== line.size) {
        // Cancelled while it was queued: the other end has not heard of it.
        expect(['cancelled', 'failed']).toContain(line.state);
        continue;
      }
      place += 1;
      expect(seen[line.state], `${line.state} and ${other.state}`).toContain(other.state);
      if (line.state === 'done') expect([line.moved, other.moved]).toEqual([line.size, other.size]);
    }
    expect(place).toBe(theirs.length);
    expect(ours.some(({ state }) => state === 'moving')).toBe(false);
  }
});

it.each(SEEDS)('a hostile end gets nothing and gives nothing that was not accepted (%i)', (seed) => {
  const draw = random(seed + 1_000);
  const end = new Files();
  end.opened();
  const accepted = new Set<string>();
  for (let i = 0; i < 6; i += 1) end.offer(`mine ${i}`, 'x', 1 + draw(1_000), 0);
  let wrong = false;
  for (let i = 0; i < 300 && !wrong; i += 1) {
    const file = 1 + draw(12);
    const kinds = ['accept', 'decline', 'withdraw', 'got'] as const;
    const before = end.lines;
    const what = draw(5);
    if (what === 0) wrong = end.heard({ t: 'offer', file, name: 'x', size: 1 + draw(2 * MAX_FILE_BYTES) }, `theirs ${i}`, 0) === null;
    if (what === 1) wrong = end.heard({ t: kinds[draw(4)]!, file }, '', 0) === null;
    if (what === 2) {
      const { id, verdict } = end.part(file, draw(2) === 0 ? PART_BYTES : 1 + draw(PART_BYTES));
      wrong = verdict === 'wrong';
      if (verdict === 'take' || verdict === 'last') expect(accepted).toContain(id);
      if (wrong) expect(end.lines).toEqual(before);
    }
    const waiting = end.lines.find((line) => !line.mine && line.state === 'offered');
    if (what === 3 && waiting) {
      accepted.add(waiting.id);
      end.answer(waiting.id, true);
    }
    if (what === 4 && end.next) end.sent(end.next);
    const bad = end.lines.filter(
      ({ id, mine, state, moved, size }) =>
        moved > size || (state === 'done' && moved !== size) || (!mine && moved > 0 && !accepted.has(id)),
    );
    if (bad.length > 0 || end.lines.length > 2 * MOST_FILES) expect(bad).toEqual([]);
  }
});
