// The sounds of the telephone, synthesised: nothing to load.
import { audioContext } from './audio.ts';
import { canChooseSpeaker } from './list.ts';

export type Note = [hertz: number, at: number, length: number];

/** Two notes up for somebody who comes, two down for somebody who goes. */
const JOIN: Note[] = [[440, 0, 0.14], [659.3, 0.11, 0.26]];
const LEAVE: Note[] = [[523.3, 0, 0.14], [349.2, 0.11, 0.3]];
/** The dial tone of the name: 350 and 440 hertz together. */
const DIAL_TONE: Note[] = [[350, 0, 0.9], [440, 0, 0.9]];

/** Two soft chimes, as if a small bell were struck twice. */
const RING: Note[] = [0, 0.62].flatMap((at): Note[] => [[659.3, at, 0.5], [830.6, at + 0.09, 0.5], [987.8, at + 0.18, 0.7]]);
/** What a caller hears while it rings there: 440 and 480 hertz together. */
const RINGBACK: Note[] = [[440, 0, 1.6], [480, 0, 1.6]];
/** A call waits: two short tones, below the voices of the one that goes on. */
const WAITING: Note[] = [[440, 0, 0.16], [440, 0.28, 0.16]];

export interface Cadence {
  notes: Note[];
  /** Seconds from one beginning to the next. */
  every: number;
  loudness: number;
}

export const CADENCES = {
  ring: { notes: RING, every: 3.2, loudness: 1 },
  ringback: { notes: RINGBACK, every: 5, loudness: 0.5 },
  waiting: { notes: WAITING, every: 5, loudness: 0.6 },
} satisfies Record<string, Cadence>;

/** A tone with soft ends; ends cut off hard would click. */
function play(context: AudioContext, [hertz, at, length]: Note, volume: number, into: AudioNode = context.destination): void {
  const start = context.currentTime + at;
  const [tone, gain] = [context.createOscillator(), context.createGain()];
  tone.type = 'sine';
  tone.frequency.value = hertz;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(volume * 0.22, start + 0.02);
  gain.gain.setTargetAtTime(0, start + length * 0.45, length / 4);
  tone.connect(gain).connect(into);
  tone.start(start);
  tone.stop(start + length * 2);
}

async function playAll(notes: Note[], volume: number, speaker: string): Promise<void> {
  const context = audioContext();
  if (!context || volume <= 0) return;
  await through(context, speaker);
  for (const note of notes) play(context, note, volume);
}

/**
 * Plays a cadence again and again, for `seconds` at most, until the answer is called. All of it is
 * planned at once: timers sleep in a page that is not looked at, sound does not.
 */
export function repeat(context: AudioContext, cadence: Cadence, seconds: number, volume: number, speaker: string): () => void {
  const out = context.createGain();
  out.connect(context.destination);
  void through(context, speaker);
  for (let at = 0.05; at < seconds; at += cadence.every) {
    for (const [hertz, offset, length] of cadence.notes) play(context, [hertz, at + offset, length], volume * cadence.loudness, out);
  }
  return () => {
    out.gain.setTargetAtTime(0, context.currentTime, 0.02);
    setTimeout(() => out.disconnect(), 200);
  };
}

async function through(context: AudioContext, speaker: string): Promise<void> {
  // Only some browsers let a context choose its speaker; the others use the default.
  const routed = context as AudioContext & { setSinkId?: (id: string) => Promise<void>; sinkId?: string };
  if (canChooseSpeaker() && routed.setSinkId && (routed.sinkId ?? '') !== speaker) {
    await routed.setSinkId(speaker).catch(() => undefined);
  }
}

export const playJoin = (volume: number, speaker = '') => playAll(JOIN, volume, speaker);
export const playLeave = (volume: number, speaker = '') => playAll(LEAVE, volume, speaker);
export const playTest = (volume: number, speaker = '') => playAll(DIAL_TONE, volume, speaker);
