/** How often a sign of life is sent. Twice as often costs twice as much and notices hardly sooner. */
export const BEAT_MS = 250;
/** Seven beats missed. With the tick that looks, a loss is noticed before two seconds are over. */
const SILENCE_MS = 1_750;
/** Four beats missed: too many for chance on most networks, too few to tell a person of a loss. */
const FALTER_MS = 1_000;
/** Two beats missed: time to look whether anything else still arrives. */
const DOUBT_MS = 500;
/** Longer steps of time were slept through. Browsers let hidden pages tick once a second. */
const SLEPT_MS = 1_500;
/** Who has slept may find the path gone, and waits less long for a sign of it. */
const WOKEN_MS = 750;

/**
 * Judges whether the other end can be heard.
 *
 * Only time in which this end was awake counts: a page whose timers rest, or a laptop that was
 * shut, has not listened. Nothing is judged before the first beat: another program at the other
 * end may send none.
 */
export class Pulse {
  #beats = false;
  #at: number | null = null;
  #quietMs = 0;
  #limitMs = SILENCE_MS;
  #arrived: number | null = null;

  /** Whether beats are missing, and anything else that arrives is worth knowing. */
  get doubtful(): boolean {
    return this.#beats && this.#quietMs >= DOUBT_MS;
  }

  /** Whether the path may be gone. Another one is looked for while it is waited. */
  get faltering(): boolean {
    return this.#beats && this.#quietMs >= Math.min(FALTER_MS, this.#limitMs);
  }

  /** Whether nothing has been heard for too long. */
  get silent(): boolean {
    return this.#beats && this.#quietMs >= this.#limitMs;
  }

  /** Time has passed. `now` is a wall clock: it goes on while a machine sleeps, which others do not. */
  tick(now: number): void {
    const step = this.#at === null ? 0 : Math.max(0, now - this.#at);
    this.#at = now;
    if (step > SLEPT_MS) this.#limitMs = WOKEN_MS;
    else this.#quietMs += step;
  }

  /** A beat of the other end came. */
  beat(now: number): void {
    this.#beats = true;
    this.#heard(now);
  }

  /** So much has arrived in all, by any measure that only grows. */
  arrived(total: number, now: number): void {
    if (this.#arrived !== null && total > this.#arrived) this.#heard(now);
    this.#arrived = total;
  }

  #heard(now: number): void {
    this.#at = now;
    this.#quietMs = 0;
    this.#limitMs = SILENCE_MS;
  }
}
