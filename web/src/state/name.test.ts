import { expect, it } from 'vitest';
import { cleanName } from './name.ts';

it('trims, shortens, and never leaves a name empty', () => {
  expect(cleanName('  Ada ', 'Guest')).toBe('Ada');
  expect(cleanName(' \u0000\u202e ', 'Guest')).toBe('Guest');
  // Half an emoji is no text: a frame with it would be refused, and the line closed for good.
  expect(cleanName('Ada \ud83d', 'Guest')).toBe('Ada');
  expect(cleanName('Ada 😀', 'Guest')).toBe('Ada 😀');
  expect([...cleanName('😀'.repeat(90), 'Guest')]).toHaveLength(64);
});
