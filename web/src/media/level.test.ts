import { expect, it } from 'vitest';
import { levelOf } from './level.ts';

it('is nothing in silence, all at full scale, and between them otherwise', () => {
  expect(levelOf(new Float32Array(64))).toBe(0);
  expect(levelOf(new Float32Array(64).fill(1))).toBe(1);
  // -20 dB
  expect(levelOf(new Float32Array(64).fill(0.1))).toBeCloseTo(2 / 3);
});
