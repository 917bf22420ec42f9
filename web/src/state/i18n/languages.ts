// The languages there are, and which of them a person reads.

/** Each by its own name: somebody who looks for it may read no other. */
export const languages = {
  en: { name: 'English', dir: 'ltr' },
  de: { name: 'Deutsch', dir: 'ltr' },
  ar: { name: 'العربية', dir: 'rtl' },
} as const;

export type Language = keyof typeof languages;
export type Direction = (typeof languages)[Language]['dir'];

export const codes = Object.keys(languages) as Language[];

/** English where nothing that is asked for is there. */
export const FALLBACK: Language = 'en';

export function isLanguage(code: string): code is Language {
  return Object.hasOwn(languages, code);
}

/** The first of the wanted ones (BCP 47 tags, as `navigator.languages` has them) that there is. */
export function pickLanguage(wanted: readonly string[]): Language {
  return wanted.map(primary).find(isLanguage) ?? FALLBACK;
}

/**
 * The tag by which numbers and dates are written: the person's own of this language, as `ar-EG`, or
 * the language in their region, as `en-DE` for a German who reads English.
 */
export function pickLocale(language: Language, wanted: readonly string[]): string {
  const own = wanted.find((tag) => primary(tag) === language);
  const region = own ? undefined : regionOf(wanted[0] ?? '');
  return known(own ?? (region ? `${language}-${region}` : language)) ?? language;
}

const primary = (tag: string): string => tag.split(/[-_]/)[0]?.toLowerCase() ?? '';

function regionOf(tag: string): string | undefined {
  try {
    return new Intl.Locale(tag).region;
  } catch {
    return undefined;
  }
}

/** A tag that `Intl` takes without an error; browsers are told odd ones by their systems. */
function known(tag: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0];
  } catch {
    return undefined;
  }
}
