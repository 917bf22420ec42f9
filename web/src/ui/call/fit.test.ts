import { expect, it } from 'vitest';
import { fitOf } from './fit.ts';

it('fills the screen unless too much of the picture would be lost', () => {
  expect(fitOf({ width: 640, height: 480 }, { width: 1920, height: 1080 })).toBe('cover');
  expect(fitOf({ width: 720, height: 1280 }, { width: 1920, height: 1080 })).toBe('contain');
  expect(fitOf({ width: 1280, height: 720 }, { width: 390, height: 844 })).toBe('contain');
  expect(fitOf({ width: 0, height: 0 }, { width: 390, height: 844 })).toBe('cover');
});
