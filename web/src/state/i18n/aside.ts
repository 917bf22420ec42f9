// The texts of files and reactions, in every language: they come with what shows them, in a call.
import { arAside } from './ar.aside.ts';
import { deAside } from './de.aside.ts';
import { enAside } from './en.aside.ts';
import { language, say } from './index.ts';
import type { Language } from './languages.ts';
import type { In } from './translation.ts';

export type AsideKey = keyof typeof enAside;

export const asideTexts: Readonly<Record<Language, In<typeof enAside>>> = { en: enAside, de: deAside, ar: arAside };

/** As `t`, for what only files and reactions say. */
export function ta(key: AsideKey, parameters: Readonly<Record<string, string | number>> = {}): string {
  return say(asideTexts[language()][key], parameters);
}
