import type { Clock } from '../clock.ts';
import { computing } from './webcrypto.ts';

/** Lets everything happen that needs no time. */
export async function settle(): Promise<void> {
  for (let quiet = 0; quiet < 3; quiet += 1) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (computing()) quiet = -1;
  }
}

/** A clock that a test moves by hand. */
export class FakeClock implements Clock {
  #now = 1_000_000;
  #next = 1;
  readonly #timers = new Map<number, { at: number; task: () => void }>();

  now(): number {
    return this.#now;
  }

  setTimeout(task: () => void, ms: number): number {
    this.#timers.set(this.#next, { at: this.#now + ms, task });
    return this.#next++;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  /** Moves on, running what is due in order. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let due = this.#due(end); due; due = this.#due(end)) {
      const [id, { at, task }] = due;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, at);
      task();
      await settle();
    }
    this.#now = end;
  }

  /** The page sleeps: time passes, timers do not fire meanwhile. */
  sleep(ms: number): void {
    this.#now += ms;
  }

  #due(end: number): [number, { at: number; task: () => void }] | undefined {
    return [...this.#timers]
      .filter(([, timer]) => timer.at <= end)
      .sort(([a, first], [b, second]) => first.at - second.at || a - b)[0];
  }
}
