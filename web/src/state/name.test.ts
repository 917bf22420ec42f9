import { expect, it } from 'vitest';
import { cleanName } from './name.ts';

it('trims, shortens, and never leaves a name empty', () => {
  expect(cleanName('  Ada ', 'Guest')).toBe('Ada');
  expect(cleanName(' \u0000\u202e ', 'Guest')).toBe('Guest');
  expect([...cleanName('😀'.repeat(90), 'Guest')]).toHaveLength(64);
});
