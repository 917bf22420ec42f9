/** Time as the rest of this folder sees it, so that tests can own it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `task` once, `ms` milliseconds from now. */
  setTimeout(task: () => void, ms: number): unknown;
  /** Forgets a task; an unknown or finished one is ignored. */
  clearTimeout(timer: unknown): void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (task, ms) => globalThis.setTimeout(task, ms),
  clearTimeout: (timer) => globalThis.clearTimeout(timer as number | undefined),
};

/** Where surprises are reported that nobody can act upon; the default is the console. */
export type Log = (what: string, detail?: unknown) => void;

/** Writes to the console. */
export const consoleLog: Log = (what, detail) => console.warn(`dialtone: ${what}`, detail ?? '');

/** One timer that can be set again and again; only the newest setting counts. */
export class Timer {
  readonly #clock: Clock;
  #handle: unknown = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the task is still to come. */
  get running(): boolean {
    return this.#handle !== null;
  }

  /** Runs `task` after `ms`, in place of whatever was planned. */
  set(ms: number, task: () => void): void {
    this.clear();
    this.#handle = this.#clock.setTimeout(() => {
      this.#handle = null;
      task();
    }, ms);
  }

  /** Plans nothing. */
  clear(): void {
    if (this.#handle !== null) this.#clock.clearTimeout(this.#handle);
    this.#handle = null;
  }
}
