import { expect, it } from 'vitest';
import { tally, throughputOf } from './tally.ts';

it('counts what is missing, and takes the middle of what came', () => {
  expect(tally({ sent: 10, delays: [20, 22, 20, 22, 500] })).toEqual({ roundTripMs: 22, jitterMs: (2 + 2 + 2 + 478) / 4, loss: 0.5 });
  expect(tally({ sent: 1, delays: [7] })).toEqual({ roundTripMs: 7, jitterMs: 0, loss: 0 });
  expect(tally({ sent: 5, delays: [] })).toBeNull();
});

it('measures a flow from when it is up', () => {
  const every10ms = Array.from({ length: 201 }, (_, n) => ({ at: n * 10, bytes: 1_000 }));
  expect(throughputOf(every10ms, 0)).toBeCloseTo(800_000);
  expect(throughputOf([{ at: 0, bytes: 1e9 }, ...every10ms.slice(100)], 1_000), 'the beginning does not count').toBeCloseTo(800_000);
  expect(throughputOf(every10ms, 1_900), 'too short to say').toBeNull();
  expect(throughputOf([], 0)).toBeNull();
});
