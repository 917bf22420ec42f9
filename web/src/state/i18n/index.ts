// Every text a person reads comes through here. Another language is another file like en.ts.
import { en } from './en.ts';
import { fill } from './fill.ts';

type Texts = typeof en;
export type Key = keyof Texts;
/** Keys that exist as `key.one` and `key.other`. */
type PluralBase<K> = K extends `${infer Base}.one` ? Base : never;
type PluralKey = PluralBase<Key>;

export const language = 'en';
const texts: Readonly<Record<Key, string>> = en;
const plurals = new Intl.PluralRules(language);

/** The text of a key, with `{name}` replaced by the parameters. */
export function t(key: Key, parameters: Record<string, string | number> = {}): string {
  return fill(texts[key], parameters);
}

/** Like `t`, for a count: picks `key.one` or `key.other` by the rules of the language. */
export function plural(key: PluralKey, n: number): string {
  const form = plurals.select(n) === 'one' ? 'one' : 'other';
  return t(`${key}.${form}` as Key, { n });
}
