// What the level of the own microphone tells: somebody talks while muted, or is not heard at all.

export type VoiceHint = 'muted' | 'silent';

/** Louder than this is a voice; levels are those of src/media/level.ts, from 0 to 1. */
export const VOICE = 0.35;
/** Quieter than this comes from no microphone that works: even an empty room is louder. */
const NOTHING = 0.02;
/** A cough is shorter, a sentence longer. */
const TALKING_MS = 600;
/** How long the hint stays, and how long it then leaves one alone. */
const SHOWN_MS = 6_000;
const AGAIN_MS = 30_000;
/** Nothing at all for so long since the microphone is open. */
const SILENT_MS = 12_000;
/** Samples come far apart while a page is in the background; they count for no longer than this. */
const LONGEST_STEP_MS = 200;

/** Follows one microphone, sample by sample. */
export class VoiceWatch {
  #last: number | null = null;
  #talked = 0;
  #until = 0;
  #again = 0;
  #heard = false;
  #openSince: number | null = null;

  /** Takes the level at a moment in milliseconds; what there is to say to the person, if anything. */
  sample(level: number, muted: boolean, now: number): VoiceHint | null {
    const step = Math.min(now - (this.#last ?? now), LONGEST_STEP_MS);
    this.#last = now;
    if (level > NOTHING) this.#heard = true;
    if (muted) return this.#muted(level, step, now);
    this.#talked = 0;
    this.#until = 0;
    this.#openSince ??= now;
    return !this.#heard && now - this.#openSince >= SILENT_MS ? 'silent' : null;
  }

  #muted(level: number, step: number, now: number): VoiceHint | null {
    this.#openSince = null;
    // Words have gaps: they take back a part of what the words have gathered.
    this.#talked = level > VOICE ? this.#talked + step : Math.max(0, this.#talked - step / 3);
    if (this.#talked >= TALKING_MS && now >= this.#again) {
      this.#until = now + SHOWN_MS;
      this.#again = this.#until + AGAIN_MS;
      this.#talked = 0;
    }
    return now < this.#until ? 'muted' : null;
  }
}
