import { expect, it } from 'vitest';
import { nearest, nextCorner, towards, type Corner } from './corners.ts';

it('goes round all corners by presses', () => {
  const seen: Corner[] = ['br'];
  while (seen.length < 4) seen.push(nextCorner(seen.at(-1)!));
  expect(new Set(seen).size).toBe(4);
  expect(nextCorner(seen.at(-1)!)).toBe('br');
});

it('follows arrow keys and stays at the edge', () => {
  expect(towards('br', 'ArrowUp')).toBe('tr');
  expect(towards('tr', 'ArrowLeft')).toBe('tl');
  expect(towards('tl', 'ArrowUp')).toBe('tl');
  expect(towards('tl', 'a')).toBeNull();
});

it('snaps to the nearest corner', () => {
  expect(nearest(10, 10, 100, 100)).toBe('tl');
  expect(nearest(90, 60, 100, 100)).toBe('br');
});
