import { expect, it } from 'vitest';
import type { Quality } from '../rtc/index.ts';
import { follow, KEPT, pathOf, topOf } from './course.ts';

const sample = (loss: number) => ({ loss }) as Quality;

it('follows the samples, each once, and forgets the oldest', () => {
  const first = sample(0);
  const course = follow(follow(follow([], null), first), first);
  expect(course).toEqual([first]);
  const long = Array.from({ length: KEPT + 5 }, (_, i) => sample(i)).reduce<readonly Quality[]>(follow, course);
  expect(long).toHaveLength(KEPT);
  expect(long[0]).toEqual(sample(5));
});

it.each([
  [[3, 41, null], 10, 50],
  [[100], 10, 100],
  [[101], 10, 200],
  [[0.02], 0.05, 0.05],
  [[], 20, 20],
])('finds a round top above %o', (values, least, top) => {
  expect(topOf(values, least)).toBeCloseTo(top, 9);
});

it('draws up to the right edge, and leaves gaps', () => {
  expect(pathOf([0, 10, null, 5], 10, 89, 40)).toBe('M86.0 40.0h0L87.0 0.0M89.0 20.0h0');
  expect(pathOf([], 10, 89, 40)).toBe('');
  expect(pathOf([20], 10, 89, 40)).toBe('M89.0 0.0h0');
});
