import type { Log } from './clock.ts';

/** A list of listeners. One that throws harms neither the others nor the caller. */
export class Listeners<Arguments extends unknown[]> {
  readonly #listeners = new Set<(...values: Arguments) => void>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Adds a listener; the answer removes it. */
  add(listener: (...values: Arguments) => void): () => void {
    // A fresh closure, so that adding the same function twice gives two independent entries.
    const entry = (...values: Arguments) => listener(...values);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  /** Calls every listener. */
  emit(...values: Arguments): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(...values);
      } catch (error) {
        this.#log('a listener failed', error);
      }
    }
  }
}
