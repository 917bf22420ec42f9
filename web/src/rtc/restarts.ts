import { Timer, type Clock } from './clock.ts';

/** Pauses between ICE restarts. Shorter ones would cut off checks that are about to succeed. */
const PAUSES_MS = [4_000, 6_000, 8_000];
/** Both ends notice a loss; the polite one leaves the first offer to the other for so long. */
const POLITE_MS = 1_000;

/** Decides when a connection that is down restarts ICE: one attempt at a time, further and further apart. */
export class Restarts {
  readonly #timer: Timer;
  readonly #polite: boolean;
  readonly #attempt: () => boolean;
  #count = 0;
  #down = false;
  #skipped = false;

  /** `attempt` restarts, or answers false when signaling is gone and the offer would only wait. */
  constructor(clock: Clock, polite: boolean, attempt: () => boolean) {
    this.#timer = new Timer(clock);
    this.#polite = polite;
    this.#attempt = attempt;
  }

  /** The connection is down. Saying so again changes nothing. */
  down(): void {
    if (this.#down) return;
    this.#down = true;
    this.#count = 0;
    if (this.#polite) this.#timer.set(POLITE_MS, () => this.#run());
    else this.#run();
  }

  /** The connection is up. */
  up(): void {
    this.#down = false;
    this.#skipped = false;
    this.#timer.clear();
  }

  /** The other end has restarted: what it began gets its time. */
  answered(): void {
    if (this.#down) this.#plan();
  }

  /** Signaling is back: makes up for an attempt that could not be made. */
  reachable(): void {
    if (this.#down && this.#skipped) this.#run();
  }

  /** The connection is closed. */
  stop(): void {
    this.up();
  }

  #run(): void {
    this.#skipped = !this.#attempt();
    this.#plan();
  }

  #plan(): void {
    const pause = PAUSES_MS[Math.min(this.#count, PAUSES_MS.length - 1)] ?? 0;
    this.#count += 1;
    this.#timer.set(pause + (this.#polite ? POLITE_MS : 0), () => this.#run());
  }
}
