import type { StringStorage } from './device.ts';

/**
 * Remembers which call a room had and since when it lasts, so that a page that is loaded again finds
 * the same one, and its clock goes on.
 */
export class CallMemory {
  readonly #storage: StringStorage | undefined;
  readonly #key: string;

  constructor(storage: StringStorage | undefined, room: string) {
    this.#storage = storage;
    this.#key = `dialtone.call.${room}`;
  }

  /** The id of the call this room had. */
  recall(): string | null {
    return this.#read()[0] || null;
  }

  /** Since when this call lasts; null when it is another one, or was never connected. */
  startedAt(call: string): number | null {
    const [known, since] = this.#read();
    return known === call && Number(since) > 0 ? Number(since) : null;
  }

  /** The call of this room has this id, and lasts since then. */
  remember(call: string, startedAt: number | null): void {
    const value = startedAt === null ? call : `${call} ${startedAt}`;
    this.#try((storage) => storage.setItem(this.#key, value));
  }

  /** The call is over. */
  forget(): void {
    this.#try((storage) => storage.removeItem(this.#key));
  }

  #read(): string[] {
    return this.#try((storage) => storage.getItem(this.#key))?.split(' ', 2) ?? [];
  }

  #try<Result>(use: (storage: StringStorage) => Result): Result | null {
    try {
      return this.#storage ? use(this.#storage) : null;
    } catch {
      return null; // full or forbidden: the server finds the call by its room
    }
  }
}
