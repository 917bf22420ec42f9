import { expect, it } from 'vitest';
import { signOf } from './signs.ts';

it('has another picture for each of 256 numbers', () => {
  const all = Array.from({ length: 256 }, (_, number) => signOf(number));
  expect(new Set(all).size).toBe(256);
  // One code point each: no browser shows one of them as two.
  for (const sign of all) expect([...sign]).toHaveLength(1);
});
