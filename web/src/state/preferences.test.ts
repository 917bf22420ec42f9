import { expect, it } from 'vitest';
import { mergePreferences } from './preferences.svelte.ts';

it('takes what is known and of the right type, and nothing else', () => {
  const merged = mergePreferences({ name: 'Ada', volume: 'loud', shortcuts: false, colour: 'red' });
  expect(merged).toMatchObject({ name: 'Ada', volume: 0.6, shortcuts: false });
  expect(merged).not.toHaveProperty('colour');
});

it('starts from defaults when nothing usable is stored', () => {
  for (const nothing of [null, 7, 'x', []]) expect(mergePreferences(nothing).sounds).toBe(true);
});
