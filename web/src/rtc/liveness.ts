import { Timer, type Clock } from './clock.ts';

/** Silence after a question that counts as a loss. */
const PROBE_MS = 2_000;
/** How late a ping of the server may be before we ask ourselves. */
const GRACE_MS = 1_000;
/** A timer later than this means the page slept; what came meanwhile may still be unread. */
const SLEPT_MS = 1_000;

/** What {@link Liveness} asks for. */
export interface LivenessEvents {
  /** Send a ping. */
  ask(): void;
  /** Nothing is heard any more. */
  lost(): void;
}

/**
 * Notices that a socket is dead although nobody closed it: when the server's ping is overdue, or a
 * request has no answer, it asks, and takes two seconds of silence for a loss.
 */
export class Liveness {
  readonly #clock: Clock;
  readonly #timer: Timer;
  readonly #events: LivenessEvents;
  #intervalMs = 0;
  #heardAt = 0;
  #askedAt: number | null = null;
  #answerDueAt: number | null = null;

  constructor(clock: Clock, events: LivenessEvents) {
    this.#clock = clock;
    this.#timer = new Timer(clock);
    this.#events = events;
  }

  /** Watches a new socket on which a ping is due every `intervalMs`. */
  start(intervalMs: number): void {
    this.#intervalMs = intervalMs;
    this.heard();
    this.#arm();
  }

  /** Pings come at another interval from now on. */
  expect(intervalMs: number): void {
    this.#intervalMs = intervalMs;
    if (this.#timer.running) this.#arm();
  }

  /** Something came. The timer stays where it is and looks again when it fires. */
  heard(): void {
    this.#heardAt = this.#clock.now();
    this.#askedAt = null;
    this.#answerDueAt = null;
  }

  /** Something was sent that must be answered. */
  answerDue(): void {
    if (this.#answerDueAt !== null || this.#askedAt !== null) return;
    this.#answerDueAt = this.#clock.now() + PROBE_MS;
    this.#arm();
  }

  /** Asks now. */
  probe(): void {
    if (this.#askedAt !== null) return;
    this.#askedAt = this.#clock.now();
    this.#events.ask();
    this.#arm();
  }

  /** The socket is gone. */
  stop(): void {
    this.#timer.clear();
    this.#askedAt = null;
    this.#answerDueAt = null;
  }

  #due(): number {
    if (this.#askedAt !== null) return this.#askedAt + PROBE_MS;
    return Math.min(this.#heardAt + this.#intervalMs + GRACE_MS, this.#answerDueAt ?? Infinity);
  }

  #arm(): void {
    this.#timer.set(Math.max(0, this.#due() - this.#clock.now()), () => this.#check());
  }

  #check(): void {
    const late = this.#clock.now() - this.#due();
    if (late < 0) return this.#arm();
    if (this.#askedAt === null) return this.probe();
    if (late < SLEPT_MS) return this.#events.lost();
    this.#askedAt = null;
    this.probe();
  }
}
