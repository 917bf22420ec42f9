import type { StringStorage } from './device.ts';

/** Remembers which call a room had, so that a page that is loaded again finds the same one. */
export class CallMemory {
  readonly #storage: StringStorage | undefined;
  readonly #key: string;

  constructor(storage: StringStorage | undefined, room: string) {
    this.#storage = storage;
    this.#key = `dialtone.call.${room}`;
  }

  /** The id of the call this room had. */
  recall(): string | null {
    return this.#try((storage) => storage.getItem(this.#key)) ?? null;
  }

  /** The call of this room has this id. */
  remember(call: string): void {
    this.#try((storage) => storage.setItem(this.#key, call));
  }

  /** The call is over. */
  forget(): void {
    this.#try((storage) => storage.removeItem(this.#key));
  }

  #try<Result>(use: (storage: StringStorage) => Result): Result | null {
    try {
      return this.#storage ? use(this.#storage) : null;
    } catch {
      return null; // full or forbidden: the server finds the call by its room
    }
  }
}
