// Something a person has asked for: under way, done, or failed with a reason to be shown.
import type { ApiError, Result } from './api.ts';

export class Action {
  busy = $state(false);
  error: ApiError | null = $state.raw(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Does it, unless it is under way already. Whether it was done. */
  async run<T>(work: () => Promise<Result<T>>, done: (value: T) => void = () => undefined): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    try {
      const result = await work();
      this.#say(result.ok ? null : result.error);
      if (result.ok) done(result.value);
      return result.ok;
    } finally {
      this.busy = false;
    }
  }

  clear(): void {
    this.#say(null);
  }

  #say(error: ApiError | null): void {
    clearTimeout(this.#timer);
    this.error = error;
    // "Wait 30 seconds" is not true for longer than that.
    if (error?.retryAfterMs) this.#timer = setTimeout(() => (this.error = null), error.retryAfterMs);
  }
}

/** A list of the server's: null until it has come. */
export class Listing<T> {
  items: T[] | null = $state.raw(null);
  readonly loading = new Action();
  readonly #ask: () => Promise<Result<T[]>>;

  constructor(ask: () => Promise<Result<T[]>>) {
    this.#ask = ask;
    void this.load();
  }

  async load(): Promise<void> {
    await this.loading.run(this.#ask, (items) => (this.items = items));
  }
}
