// Past calls: what was missed, what was left to be read, page by page, and grouped by day.
import type { Account } from './account.svelte.ts';
import { Action } from './action.svelte.ts';
import type { HistoryEntry } from './apiTypes.ts';
import { t, type Key } from './i18n/index.ts';
import { dayName } from './when.ts';

const PAGE = 30;

export class PastCalls {
  /** Null until they have come; the newest first. */
  entries: HistoryEntry[] | null = $state.raw(null);
  more = $state(false);
  readonly loading = new Action();
  readonly acting = new Action();
  readonly #account: Account;

  constructor(account: Account) {
    this.#account = account;
  }

  /** The newest page. Who looks at it has seen what was missed; here the marks stay until the next look. */
  async load(): Promise<void> {
    const loaded = await this.loading.run(
      () => this.#account.api.history.page(null, PAGE),
      ({ entries, more, unseen }) => {
        this.entries = entries;
        this.more = more;
        this.#account.unseen = unseen;
      },
    );
    if (!loaded || this.#account.unseen === 0) return;
    if ((await this.#account.api.history.seen()).ok) this.#account.unseen = 0;
  }

  async older(): Promise<void> {
    const before = this.entries?.at(-1)?.id ?? null;
    await this.loading.run(
      () => this.#account.api.history.page(before, PAGE),
      ({ entries, more }) => {
        // Something may have come twice if calls came in between.
        const known = new Set(this.entries?.map(({ id }) => id));
        this.entries = [...(this.entries ?? []), ...entries.filter(({ id }) => !known.has(id))];
        this.more = more;
      },
    );
  }

  remove(id: string): Promise<boolean> {
    return this.acting.run(
      () => this.#account.api.history.remove(id),
      () => (this.entries = this.entries?.filter((entry) => entry.id !== id) ?? null),
    );
  }

  addContact(user: string): Promise<boolean> {
    return this.acting.run(() => this.#account.api.contacts.add(user));
  }
}

export interface Day {
  name: string;
  entries: HistoryEntry[];
}

export function byDay(entries: HistoryEntry[], now: number): Day[] {
  const days: Day[] = [];
  for (const entry of entries) {
    const name = dayName(entry.at_ms, now);
    const last = days.at(-1);
    if (last?.name === name) last.entries.push(entry);
    else days.push({ name, entries: [entry] });
  }
  return days;
}

export function isMissed({ direction, outcome }: HistoryEntry): boolean {
  return direction === 'incoming' && ['missed', 'no_answer', 'cancelled', 'busy'].includes(outcome);
}

/** What happened, in a few words. */
export function outcomeText({ direction, outcome, unreachable }: HistoryEntry): string {
  if (unreachable) return t(`history.unreachable.${unreachable}`);
  return t(direction === 'link' ? 'history.link' : (`history.${direction}.${outcome}` satisfies Key));
}

/** The text of a message that was left: the server keeps what the caller's app has made of it. */
export function messageText(body: string): string {
  try {
    const { text } = JSON.parse(body) as { text?: unknown };
    return typeof text === 'string' ? text : body;
  } catch {
    return body;
  }
}
