// Every text a person reads comes through here. A language is a set of files like those of English.
import { spoken } from './current.svelte.ts';
import { fill } from './fill.ts';
import { languages, type Language } from './languages.ts';
import type { Key, PluralKey } from './translation.ts';

export { codes, languages } from './languages.ts';
export type { Key } from './translation.ts';

/** The language of the texts. */
export const language = (): Language => spoken().language;

/** The tag for `Intl`: the language, with the person's region. */
export const locale = (): string => spoken().locale;

/** The text of a key, with `{name}` replaced by the parameters; numbers are written as the language does. */
export function t(key: Key, parameters: Record<string, string | number> = {}): string {
  return say(spoken().texts[key], parameters);
}

/** Like `t`, for a count: picks among `key.one`, `key.few`, `key.other` … by the rules of the language. */
export function plural(key: PluralKey, n: number): string {
  const texts: Readonly<Record<string, string>> = spoken().texts;
  const form = new Intl.PluralRules(language()).select(n);
  return say(texts[`${key}.${form}`] ?? texts[`${key}.other`] ?? '', { n });
}

/** A text with its parameters. */
export function say(text: string, parameters: Readonly<Record<string, string | number>>): string {
  const written = Object.entries(parameters).map(([name, value]) => [name, typeof value === 'number' ? number(value) : value]);
  return fill(text, Object.fromEntries(written), languages[language()].dir);
}

/** A number as the language writes it. */
export function number(value: number, options: Intl.NumberFormatOptions = {}): string {
  return new Intl.NumberFormat(locale(), options).format(value);
}
