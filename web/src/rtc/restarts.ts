import { Timer, type Clock } from './clock.ts';

/** Pauses between ICE restarts. Shorter ones would cut off checks that are about to succeed. */
const PAUSES_MS = [4_000, 6_000, 8_000];
/** Both ends notice a loss; the polite one leaves the first offer to the other for so long. */
const POLITE_MS = 1_000;
/** A restart that has just begun is given so much time before anything else begins another. */
const FRESH_MS = 1_500;
/** How long after a connection is up by a poor path a better one is looked for. */
const SECOND_LOOK_MS = 2_000;
/** Where beats get lost all the time, restarts do not help; there they are this far apart at least. */
const FALTER_MS = 15_000;

/** Decides when a connection restarts ICE: one attempt at a time, further and further apart while it is down. */
export class Restarts {
  readonly #timer: Timer;
  /** Runs while a restart of either end is fresh. */
  readonly #fresh: Timer;
  /** Runs after a restart for a connection that faltered. */
  readonly #faltered: Timer;
  /** Runs until a better path is looked for. */
  readonly #look: Timer;
  readonly #polite: boolean;
  readonly #attempt: () => boolean;
  #count = 0;
  #down = false;
  /** Wanted, and not made since signaling is away. */
  #owed = false;
  /** Whether a better path has been looked for in this network. */
  #looked = false;

  /** `attempt` restarts, or answers false when signaling is gone and the offer would only wait. */
  constructor(clock: Clock, polite: boolean, attempt: () => boolean) {
    this.#timer = new Timer(clock);
    this.#fresh = new Timer(clock);
    this.#faltered = new Timer(clock);
    this.#look = new Timer(clock);
    this.#polite = polite;
    this.#attempt = attempt;
  }

  /** The connection is down. Saying so again changes nothing. */
  down(): void {
    if (this.#down) return;
    this.#down = true;
    this.#count = 0;
    this.#look.clear();
    if (this.#fresh.running) this.#plan();
    else if (this.#polite) this.#timer.set(POLITE_MS, () => this.#run());
    else this.#run();
  }

  /** The connection is up. */
  up(): void {
    this.#down = false;
    this.#owed = false;
    this.#timer.clear();
    this.#fresh.clear();
  }

  /** The connection may be about to go down: one end has another path ready by then, if there is one. */
  faltering(): void {
    if (this.#down || this.#polite || this.#fresh.running || this.#faltered.running) return;
    this.#faltered.set(FALTER_MS, () => {});
    this.#run();
  }

  /**
   * The connection is up by a poor path. A browser drops whatever has not answered when the first path works:
   * the better one may have come a moment too late. So all are tried again, once in each network.
   */
  poorPath(): void {
    if (this.#looked || this.#down) return;
    this.#looked = true;
    this.#look.set(SECOND_LOOK_MS + (this.#polite ? POLITE_MS : 0), () => this.#run());
  }

  /** The network has changed under us: there may be a better path, and soon none but that. */
  networkChanged(): void {
    this.#count = 0;
    this.#looked = false;
    this.#look.clear();
    if (!this.#fresh.running) return this.#run();
    // Networks come up step by step, and say so at each of them. Whatever begins before then has
    // looked at the network as it is by now.
    this.#fresh.set(FRESH_MS, () => this.#run());
  }

  /** The other end has restarted: what it began gets its time, and looks for all paths. */
  answered(): void {
    this.#look.clear();
    this.#begun();
  }

  /** Signaling is back: makes up for an attempt that could not be made. */
  reachable(): void {
    if (this.#owed) this.#run();
  }

  /** The connection is closed. */
  stop(): void {
    this.up();
    this.#faltered.clear();
    this.#look.clear();
  }

  #run(): void {
    this.#owed = !this.#attempt();
    if (!this.#owed) this.#begun();
    else if (this.#down) this.#plan();
  }

  #begun(): void {
    this.#fresh.set(FRESH_MS, () => {});
    if (this.#down) this.#plan();
  }

  #plan(): void {
    const pause = PAUSES_MS[Math.min(this.#count, PAUSES_MS.length - 1)] ?? 0;
    this.#count += 1;
    this.#timer.set(pause + (this.#polite ? POLITE_MS : 0), () => this.#run());
  }
}
