import { Timer, type Clock } from './clock.ts';

/** The protocol asks for one acknowledgement every 16 frames or every second, whichever is first. */
const FRAMES = 16;
const DELAY_MS = 1_000;

/** What to do with a numbered frame. */
export type Verdict = 'new' | 'repeated' | 'gap';

/** Follows the numbers of the server's frames and sees to it that they are acknowledged. */
export class Acks {
  readonly #clock: Clock;
  readonly #timer: Timer;
  readonly #send: () => void;
  #last = 0;
  #acked = 0;
  #oldest = 0;

  /** `send` sends a frame that carries {@link take}. */
  constructor(clock: Clock, send: () => void) {
    this.#clock = clock;
    this.#timer = new Timer(clock);
    this.#send = send;
  }

  /** The highest number handled. */
  get last(): number {
    return this.#last;
  }

  /** Judges a frame by its number, and counts it when it is the next one. */
  received(seq: number): Verdict {
    if (seq <= this.#last) return 'repeated';
    if (seq !== this.#last + 1) return 'gap';
    if (this.#last === this.#acked) this.#oldest = this.#clock.now();
    this.#last = seq;
    return 'new';
  }

  /** Acknowledges when it is time. Called after each frame, since timers sleep in hidden tabs. */
  settle(): void {
    const waiting = this.#last - this.#acked;
    if (waiting === 0) return;
    const late = this.#clock.now() - this.#oldest >= DELAY_MS;
    if (waiting >= FRAMES || late) this.#send();
    else if (!this.#timer.running) this.#timer.set(DELAY_MS, () => this.settle());
  }

  /** The number to put on a frame that is going out now; null when nothing is to acknowledge. */
  take(): number | null {
    this.#timer.clear();
    if (this.#last === this.#acked) return null;
    this.#acked = this.#last;
    return this.#last;
  }

  /** The socket is gone: what it carried last may not have arrived. */
  pause(): void {
    this.#timer.clear();
  }

  /** A new session counts from one. */
  restart(): void {
    this.#timer.clear();
    this.#last = 0;
    this.#acked = 0;
  }
}
