// The language this page speaks at the moment. English is always here; the others come when needed.
import { consoleLog } from '../../rtc/index.ts';
import { en } from './en.ts';
import { FALLBACK, isLanguage, languages, pickLanguage, pickLocale, type Language } from './languages.ts';
import type { Translation } from './translation.ts';

interface Current {
  language: Language;
  /** The tag for numbers and dates. */
  locale: string;
  texts: Translation;
}

const LOADERS: Readonly<Record<Language, () => Promise<Translation>>> = {
  en: async () => en,
  de: async () => (await import('./de.ts')).de,
  ar: async () => (await import('./ar.ts')).ar,
};

let current = $state.raw<Current>({ language: FALLBACK, locale: pickLocale(FALLBACK, wanted()), texts: en });
/** Counts the changes, so that of two that overlap the later one holds. */
let turn = 0;

/** What is spoken now; who reads it in a component or effect follows it. */
export const spoken = (): Current => current;

/**
 * Speaks the language that was chosen, or with an empty one what the browser asks for. False: it
 * could not be loaded, and everything stays as it was.
 */
export async function speak(chosen: string): Promise<boolean> {
  const mine = ++turn;
  const language = isLanguage(chosen) ? chosen : pickLanguage(wanted());
  try {
    const texts = await LOADERS[language]();
    if (mine === turn) current = { language, locale: pickLocale(language, wanted()), texts };
    return true;
  } catch (error) {
    consoleLog('language', error);
    return false;
  }
}

/** Tells the document, and with it screen readers and style sheets. */
export function showLanguage(root: HTMLElement): void {
  root.lang = current.language;
  root.dir = languages[current.language].dir;
}

function wanted(): readonly string[] {
  return globalThis.navigator?.languages ?? [];
}
