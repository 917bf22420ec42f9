// What a language has to say: everything that English says, and the plural forms that it lacks.
import type { en } from './en.ts';

export type Key = keyof typeof en;

/** Keys that exist as `key.one` and `key.other`. */
type BaseOf<K> = K extends `${infer Base}.one` ? Base : never;
export type PluralKey = BaseOf<Key>;

/** The forms that English does not have, for the counts among the keys `K`. */
type MoreForms<K> = `${BaseOf<K>}.${'zero' | 'two' | 'few' | 'many'}`;

/** One file of English in another language. */
export type In<English> = Readonly<Record<keyof English, string> & Partial<Record<MoreForms<keyof English>, string>>>;
export type Translation = In<typeof en>;
