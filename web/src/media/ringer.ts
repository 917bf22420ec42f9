// Rings, in one tab of the browser only, and says when the browser keeps it silent.
import { startAudio } from './audio.ts';
import { CADENCES, repeat } from './sounds.ts';

export type Tone = keyof typeof CADENCES;

/** Whoever holds this is the tab that rings; the browser passes it on when the tab is gone. */
const LOCK = 'dialtone.ring';
/** As long as a ring can last. */
const LONGEST_S = 100;
/** A tab that nobody looks at leaves the others this much time to be first. */
const HIDDEN_MS = 250;
/** How often a tab that may not sound looks whether another one does. */
const LOOK_MS = 1_000;

export interface RingerOptions {
  /** The browser holds the sound back until somebody clicks, and no other tab rings. */
  blocked(is: boolean): void;
  volume(): number;
  speaker(): string;
}

export class Ringer {
  readonly #options: RingerOptions;
  #tone: Tone | null = null;
  #abort = new AbortController();

  constructor(options: RingerOptions) {
    this.#options = options;
  }

  /** Plays this from now on, or nothing. */
  play(tone: Tone | null): void {
    if (tone === this.#tone) return;
    this.#tone = tone;
    this.#abort.abort();
    this.#options.blocked(false);
    if (!tone) return;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    // The other two belong to a call of this tab; what rings, rings in all of them.
    if (tone === 'ring') void this.#ringOnce(signal);
    else void this.#sound(tone, signal);
  }

  /** Rings when this tab may, and no other one does. */
  async #ringOnce(signal: AbortSignal): Promise<void> {
    if (document.visibilityState === 'hidden') await pause(HIDDEN_MS, signal);
    while (!signal.aborted) {
      const context = await startAudio();
      if (signal.aborted) return;
      if (context) {
        this.#options.blocked(false);
        return alone(signal, () => this.#sound('ring', signal));
      }
      this.#options.blocked(!(await somebodyRings()) && !signal.aborted);
      await Promise.race([gesture(signal), pause(LOOK_MS, signal)]);
    }
  }

  async #sound(tone: Tone, signal: AbortSignal): Promise<void> {
    const context = await startAudio();
    if (!context || signal.aborted) return;
    const stop = repeat(context, CADENCES[tone], LONGEST_S, this.#options.volume(), this.#options.speaker());
    await aborted(signal);
    stop();
  }
}

/** Does this when no other tab does. */
async function alone(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  if (!navigator.locks) return work();
  // Fails when it is aborted before its turn: then another tab has rung.
  await navigator.locks.request(LOCK, { signal }, work).catch(() => undefined);
}

async function somebodyRings(): Promise<boolean> {
  const state = await navigator.locks?.query().catch(() => null);
  return state?.held?.some((lock) => lock.name === LOCK) ?? false;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await Promise.race([new Promise((resolve) => setTimeout(resolve, ms)), aborted(signal)]);
}

/** The next click or key press, which lets the browser sound. */
function gesture(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    for (const type of ['pointerdown', 'keydown'] as const) {
      addEventListener(type, () => resolve(), { once: true, capture: true, signal });
    }
  });
}
