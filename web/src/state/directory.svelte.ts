// The people of this server: who was talked to last, and whoever is searched for.
import type { ApiClient } from './api.ts';
import type { HistoryEntry, Person as Found } from './apiTypes.ts';

/** Typing goes on for a moment after the last letter. */
const TYPING_MS = 250;
const RECENT = 5;

export class Directory {
  /** The last call with each person, the newest first. */
  recent: readonly HistoryEntry[] = $state.raw([]);
  query = $state('');
  /** Null while nobody is searched for. */
  found: readonly Found[] | null = $state.raw(null);
  /** The server could not be asked, or did not do what was asked. */
  failed: 'search' | 'change' | null = $state(null);
  readonly #api: ApiClient;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  async loadRecent(): Promise<void> {
    const page = await this.#api.history.page(null, 50);
    if (page.ok) this.recent = lastOfEach(page.value.entries).slice(0, RECENT);
  }

  search(query: string): void {
    this.query = query;
    clearTimeout(this.#timer);
    if (query.trim() === '') {
      this.found = null;
      this.failed = null;
    } else {
      this.#timer = setTimeout(() => void this.#search(query.trim()), TYPING_MS);
    }
  }

  async add(user: string): Promise<void> {
    if (await this.#did(this.#api.contacts.add(user))) this.#mark(user, { contact: true });
  }

  async remove(user: string): Promise<boolean> {
    const done = await this.#did(this.#api.contacts.remove(user));
    if (done) this.#mark(user, { contact: false });
    return done;
  }

  block(user: string): Promise<boolean> {
    return this.#did(this.#api.blocks.add(user));
  }

  async #did(change: Promise<{ ok: boolean }>): Promise<boolean> {
    const { ok } = await change;
    this.failed = ok ? null : 'change';
    return ok;
  }

  async #search(query: string): Promise<void> {
    const result = await this.#api.people(query);
    // What was typed meanwhile has its own answer.
    if (this.query.trim() !== query) return;
    this.failed = result.ok ? null : 'search';
    this.found = result.ok ? result.value : [];
  }

  #mark(user: string, change: Partial<Found>): void {
    this.found = this.found?.map((each) => (each.user === user ? { ...each, ...change } : each)) ?? null;
  }
}

/** Calls by link have nobody to call again. */
export function lastOfEach(entries: readonly HistoryEntry[]): HistoryEntry[] {
  const seen = new Set<string>();
  return entries.filter(({ peer }) => {
    if (!peer?.user || seen.has(peer.user)) return false;
    seen.add(peer.user);
    return true;
  });
}
