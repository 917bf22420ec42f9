import { expect, it } from 'vitest';
import { initials } from './initials.ts';

it('takes the first and the last word, and whole characters', () => {
  const cases = { 'Ada Lovelace': 'AL', 'ada': 'A', 'Hedy Kiesler von Markey': 'HM', '林徽因': '林', '𝒜da 𝓛': '𝒜𝓛', '<b>Mallory</b>': 'BB', '': '', '!!!': '', 'élise ñ': 'ÉÑ' };
  for (const [name, wanted] of Object.entries(cases)) expect(initials(name), name).toBe(wanted);
});
