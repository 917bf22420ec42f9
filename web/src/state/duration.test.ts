import { expect, it } from 'vitest';
import { clock, inWords } from './duration.ts';

it('shows a clock', () => {
  expect([0, 5_000, 65_999, 3_723_000, -5].map(clock)).toEqual(['0:00', '0:05', '1:05', '1:02:03', '0:00']);
});

it('says a duration in words', () => {
  expect(inWords(1_000)).toBe('1 second');
  expect(inWords(42_400)).toBe('42 seconds');
  expect(inWords(60_000)).toBe('1 minute');
  expect(inWords(7_260_000)).toBe('2 hours 1 minute');
  expect(inWords(3_600_000)).toBe('1 hour');
});
