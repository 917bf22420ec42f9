// The devices of people this person has talked to, remembered in this browser: a new one is said, and one that
// was compared once need not be compared again.
import { local, readJson, type KeyValue } from './stored.ts';

/**
 * How a key of somebody's stands: `first` of this person, `new` beside others of theirs, `known` from an earlier
 * call, or `verified` by comparing.
 */
export type Standing = 'first' | 'new' | 'known' | 'verified';

/** People that are remembered, and devices of each; those met longest ago are forgotten first. */
const MOST_PEOPLE = 500;
const MOST_DEVICES = 16;

/** For each person their keys, the one met last at the end; `true` for those that were compared. */
type Known = Record<string, Record<string, boolean>>;

/** What the account `me` remembers of others. Nobody else who uses this browser sees or changes it. */
export class Pins {
  readonly #place: string;
  readonly #storage: KeyValue;

  constructor(me: string, storage: KeyValue = local) {
    this.#place = `dialtone.pins.${me}`;
    this.#storage = storage;
  }

  /** Whether this person was met before. */
  knows(user: string): boolean {
    return Object.keys(this.#devices(user)).length > 0;
  }

  standing(user: string, key: string): Standing {
    const keys = this.#devices(user);
    if (keys[key] === undefined) return Object.keys(keys).length > 0 ? 'new' : 'first';
    return keys[key] ? 'verified' : 'known';
  }

  /** A call goes on with this device of theirs. What was compared stays so. */
  met(user: string, key: string, compared = false): void {
    const all = this.#read();
    const { [key]: before = false, ...others } = all[user] ?? {};
    const { [user]: _, ...people } = all;
    const keys = newest({ ...others, [key]: before || compared }, MOST_DEVICES);
    this.#storage.setItem(this.#place, JSON.stringify(newest({ ...people, [user]: keys }, MOST_PEOPLE)));
  }

  #devices(user: string): Record<string, boolean> {
    return this.#read()[user] ?? Object.create(null);
  }

  #read(): Known {
    const stored = readJson(this.#storage, this.#place);
    const known: Known = Object.create(null);
    for (const [user, keys] of entries(stored)) {
      const good = entries(keys).filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean');
      known[user] = Object.assign(Object.create(null), Object.fromEntries(good));
    }
    return known;
  }
}

function newest<Value>(record: Record<string, Value>, most: number): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).slice(-most));
}

function entries(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
