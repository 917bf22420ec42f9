import { expect, it } from 'vitest';
import { Economy, type Outlook } from './economy.ts';
import { outlookOf } from './stats.ts';

const QUEUE = { roundTripMs: 300 };

/** An economy that is looked at every two seconds; there and back takes 20 ms, and nothing is lost. */
class Watch {
  readonly economy = new Economy();
  at = 0;

  #look(kbits: number | null, more: Partial<Outlook>) {
    this.at += 2_000;
    const available = kbits === null ? null : kbits * 1_000;
    return this.economy.look({ at: this.at, available, loss: 0, roundTripMs: 20, pictures: true, ...more });
  }

  /** Whether pictures are sent, after each of so many looks. */
  pictures(kbits: number | null, looks: number, more: Partial<Outlook> = {}): boolean[] {
    return Array.from({ length: looks }, () => this.#look(kbits, more).pictures);
  }

  /** Whether the voice is sent twice, after each of so many looks. */
  twice(looks: number, loss: number | null, more: Partial<Outlook> = {}): boolean[] {
    return Array.from({ length: looks }, () => this.#look(500, { loss, ...more }).redundancy);
  }

  /** Until pictures are paused: a queue stands, however little is sent. */
  choke(): this {
    this.pictures(500, 1);
    expect(this.pictures(134, 3, QUEUE)).toEqual([true, true, false]);
    return this;
  }
}

const all = (seen: boolean[]) => (new Set(seen).size === 1 ? seen[0] : seen);

it('sends pictures while there is enough, and the voice once', () => {
  const watch = new Watch();
  expect(all(watch.pictures(2_000, 50))).toBe(true);
  expect(all(watch.twice(50, 0))).toBe(false);
});

it('pauses nothing for a browser that does not say what fits, or how long it takes', () => {
  expect(all(new Watch().pictures(null, 50, QUEUE))).toBe(true);
  expect(all(new Watch().pictures(134, 50, { roundTripMs: null }))).toBe(true);
});

it("keeps a small picture that stands in nobody's way, whatever is lost", () => {
  expect(all(new Watch().pictures(134, 100, { loss: 0.3 }))).toBe(true);
});

it('takes a long way for no queue', () => {
  expect(all(new Watch().pictures(134, 100, { roundTripMs: 600 }))).toBe(true);
});

it('pauses pictures when the sound waits behind them, not for a moment', () => {
  const watch = new Watch();
  watch.pictures(500, 1);
  expect(watch.pictures(134, 2, QUEUE)).toEqual([true, true]);
  expect(watch.pictures(134, 1)).toEqual([true]);
  expect(watch.pictures(134, 3, QUEUE)).toEqual([true, true, false]);
});

it('leaves a queue to the browser while that can send less', () => {
  const watch = new Watch();
  watch.pictures(500, 1);
  expect(all(watch.pictures(400, 50, QUEUE))).toBe(true);
});

it('never pauses what is not sent', () => {
  const watch = new Watch();
  watch.pictures(500, 1);
  expect(all(watch.pictures(134, 50, { ...QUEUE, pictures: false }))).toBe(true);
});

it('has nothing paused any more when the person switches the pictures off', () => {
  const watch = new Watch().choke();
  expect(watch.pictures(60, 1, { pictures: false })).toEqual([true]);
  expect(watch.pictures(134, 3, QUEUE)).toEqual([true, true, false]);
});

it('tries a picture after fifteen seconds although nothing more seems to fit, and keeps it when it does', () => {
  const watch = new Watch().choke();
  expect(watch.pictures(60, 8)).toEqual([...Array(7).fill(false), true]);
  expect(all(watch.pictures(140, 50))).toBe(true);
});

it('tries less and less often where it fails, but at least every forty seconds', () => {
  const watch = new Watch().choke();
  const paused: number[] = [];
  let [sent, since] = [false, watch.at];
  for (let look = 0; look < 300; look++) {
    const now = (sent ? watch.pictures(134, 1, QUEUE) : watch.pictures(60, 1))[0]!;
    if (!now && sent) since = watch.at;
    if (now && !sent) paused.push((watch.at - since) / 1_000);
    sent = now;
  }
  expect(paused.slice(0, 5)).toEqual([16, 30, 40, 40, 40]);
});

it('is patient again after a picture has stood', () => {
  const watch = new Watch().choke();
  expect(watch.pictures(60, 8).at(-1)).toBe(true);
  expect(watch.pictures(134, 3, QUEUE).at(-1)).toBe(false);
  expect(watch.pictures(60, 15).at(-1)).toBe(true);
  expect(all(watch.pictures(500, 20))).toBe(true);
  expect(watch.pictures(134, 3, QUEUE).at(-1)).toBe(false);
  expect(watch.pictures(60, 8)).toEqual([...Array(7).fill(false), true]);
});

it('tries at once what the browser believes to fit, and on another way', () => {
  expect(new Watch().choke().pictures(300, 1)).toEqual([true]);
  const watch = new Watch().choke();
  watch.economy.moved();
  expect(watch.pictures(134, 1, { roundTripMs: 500 })).toEqual([true]);
});

it('tries nothing while the sound alone is too much', () => {
  const watch = new Watch().choke();
  expect(all(watch.pictures(60, 60, QUEUE))).toBe(false);
  expect(watch.pictures(60, 1)).toEqual([true]);
});

it('sends the voice twice where some of it is lost on the way, at once and until that has been over for long', () => {
  const watch = new Watch();
  expect(watch.twice(2, 0.02)).toEqual([false, false]);
  expect(watch.twice(1, 0.05)).toEqual([true]);
  expect(all(watch.twice(30, 0.02))).toBe(true);
  expect(watch.twice(11, 0)).toEqual([...Array(9).fill(true), false, false]);
  expect(watch.twice(1, 0.02)).toEqual([false]);
});

it('does not fill a queue with the voice twice', () => {
  const watch = new Watch();
  expect(all(watch.twice(3, 0.1))).toBe(true);
  expect(watch.twice(1, 0.1, QUEUE)).toEqual([false]);
  expect(watch.twice(10, 0.1)).toEqual([...Array(9).fill(false), true]);
});

it('sends the voice once where nobody says what is lost', () => {
  expect(all(new Watch().twice(50, null))).toBe(false);
});

it('is the same as long as nothing changes', () => {
  const watch = new Watch();
  const { spending } = watch.economy;
  watch.pictures(500, 5);
  expect(watch.economy.spending).toBe(spending);
});

it('reads what the browser believes, what is lost of the voice, and the longest of what it has measured', () => {
  const entries: [string, { id: string; type: string; [member: string]: unknown }][] = [
    ['t', { id: 't', type: 'transport', selectedCandidatePairId: 'p' }],
    ['p', { id: 'p', type: 'candidate-pair', availableOutgoingBitrate: 123_000, currentRoundTripTime: 0.02 }],
    ['a', { id: 'a', type: 'remote-inbound-rtp', kind: 'audio', fractionLost: 0.1, roundTripTime: 0.25 }],
    ['v', { id: 'v', type: 'remote-inbound-rtp', kind: 'video', fractionLost: 0.4 }],
  ];
  expect(outlookOf(new Map(entries))).toEqual({ available: 123_000, loss: 0.1, roundTripMs: 250 });
  expect(outlookOf(new Map())).toEqual({ available: null, loss: null, roundTripMs: null });
});
