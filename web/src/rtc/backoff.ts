/** The first pause after the attempt made at once, in milliseconds. */
const FIRST_MS = 250;
/** Longest pause in the first minute: a restarted server is found again well within 5 s. */
const SOON_CAP_MS = 2_000;
/** Longest pause later. More would keep people waiting, less would press on a struggling server. */
const LATE_CAP_MS = 5_000;
const SOON_MS = 60_000;
/** A socket that lived shorter than this does not count as success, or a loop would be hot. */
const STABLE_MS = 5_000;

/** How long to wait before the next attempt to connect: nothing at first, then longer and longer. */
export class Backoff {
  readonly #random: () => number;
  #attempt = 0;
  #since: number | null = null;
  #onlineAt: number | null = null;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** How many attempts in a row have been planned. */
  get attempt(): number {
    return this.#attempt;
  }

  /** An attempt has succeeded. */
  online(now: number): void {
    this.#onlineAt = now;
  }

  /** The pause from now on, in milliseconds. */
  next(now: number): number {
    if (this.#onlineAt !== null && now - this.#onlineAt >= STABLE_MS) this.reset();
    this.#onlineAt = null;
    this.#since ??= now;
    const cap = now - this.#since < SOON_MS ? SOON_CAP_MS : LATE_CAP_MS;
    const full = Math.min(cap, FIRST_MS * 2 ** Math.min(this.#attempt - 1, 16));
    this.#attempt += 1;
    return this.#attempt === 1 ? 0 : full * (0.5 + 0.5 * this.#random());
  }

  /** Forgets all failures. */
  reset(): void {
    this.#attempt = 0;
    this.#since = null;
    this.#onlineAt = null;
  }
}
