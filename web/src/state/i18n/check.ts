// The texts of the check, in every language: they come with its page, which few people open.
import { arCheck } from './ar.check.ts';
import { deCheck } from './de.check.ts';
import { enCheck } from './en.check.ts';
import { language, say } from './index.ts';
import type { Language } from './languages.ts';
import type { In } from './translation.ts';

export type CheckKey = keyof typeof enCheck;

export const checkTexts: Readonly<Record<Language, In<typeof enCheck>>> = { en: enCheck, de: deCheck, ar: arCheck };

export const isCheckKey = (key: string): key is CheckKey => Object.hasOwn(enCheck, key);

/** As `t`, for what only the check says. */
export function tc(key: CheckKey, parameters: Readonly<Record<string, string | number>> = {}): string {
  return say(checkTexts[language()][key], parameters);
}
