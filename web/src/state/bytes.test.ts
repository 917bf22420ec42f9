import { expect, it } from 'vitest';
import { bytes } from './bytes.ts';

it.each([
  [0, '0 byte'],
  [999, '999 byte'],
  [1_000, '1 kB'],
  [1_550, '1.6 kB'],
  [820_400, '820 kB'],
  [2_345_678, '2.3 MB'],
  [25_000_000, '25 MB'],
  [4_000_000_000, '4,000 MB'],
])('%i bytes are %s', (count, text) => {
  expect(bytes(count)).toBe(text);
});
