import { expect, it } from 'vitest';
import { dayName, relative, shortTime, timeOfDay } from './when.ts';

/** A Sunday afternoon. */
const NOW = new Date(2026, 10, 22, 15, 30).getTime();
const at = (...[year, month, day, hour = 12]: [number, number, number, number?]) => new Date(year, month - 1, day, hour).getTime();

it('names days as people do', () => {
  expect(dayName(at(2026, 11, 22, 0), NOW)).toBe('Today');
  expect(dayName(at(2026, 11, 21, 23), NOW)).toBe('Yesterday');
  expect(dayName(at(2026, 11, 20), NOW)).toBe('Friday');
  expect(dayName(at(2026, 11, 16), NOW)).toBe('Monday');
  expect(dayName(at(2026, 11, 15), NOW)).toBe('Sunday, November 15');
  expect(dayName(at(2025, 12, 31), NOW)).toBe('December 31, 2025');
});

it('is short where there is little room', () => {
  const time = timeOfDay(at(2026, 11, 22));
  expect(shortTime(at(2026, 11, 22), NOW)).toBe(time);
  expect(shortTime(at(2026, 11, 20), NOW)).toBe(`Fri ${time}`);
  expect(shortTime(at(2026, 11, 15), NOW)).toBe('Nov 15');
});

it('a clock that is ahead of ours makes no nonsense', () => {
  expect(dayName(at(2026, 11, 23), NOW)).toBe('Monday, November 23');
  expect(relative(NOW + 20_000, NOW)).toBe('now');
});

it('says how long ago, and how long still', () => {
  const minutes = (n: number) => relative(NOW + n * 60_000, NOW);
  expect(minutes(-0.5)).toBe('now');
  expect(minutes(-3)).toBe('3 minutes ago');
  expect(minutes(-60)).toBe('1 hour ago');
  expect(minutes(-59.9)).toBe('1 hour ago');
  expect(minutes(-25 * 60)).toBe('yesterday');
  expect(minutes(48 * 60)).toBe('in 2 days');
  expect(minutes(7 * 24 * 60)).toBe('in 7 days');
  expect(minutes(-40 * 24 * 60)).toBe('Oct 13');
  expect(minutes(-400 * 24 * 60)).toBe('Oct 18, 2025');
});
