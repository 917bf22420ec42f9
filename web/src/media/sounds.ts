// The sounds of the telephone, synthesised: nothing to load.
import { audioContext } from './audio.ts';
import { canChooseSpeaker } from './list.ts';

type Note = [hertz: number, at: number, length: number];

/** Two notes up for somebody who comes, two down for somebody who goes. */
const JOIN: Note[] = [[440, 0, 0.14], [659.3, 0.11, 0.26]];
const LEAVE: Note[] = [[523.3, 0, 0.14], [349.2, 0.11, 0.3]];
/** The dial tone of the name: 350 and 440 hertz together. */
const DIAL_TONE: Note[] = [[350, 0, 0.9], [440, 0, 0.9]];

/** A tone with soft ends; ends cut off hard would click. */
function play(context: AudioContext, [hertz, at, length]: Note, volume: number): void {
  const start = context.currentTime + at;
  const [tone, gain] = [context.createOscillator(), context.createGain()];
  tone.type = 'sine';
  tone.frequency.value = hertz;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(volume * 0.22, start + 0.02);
  gain.gain.setTargetAtTime(0, start + length * 0.45, length / 4);
  tone.connect(gain).connect(context.destination);
  tone.start(start);
  tone.stop(start + length * 2);
}

async function playAll(notes: Note[], volume: number, speaker: string): Promise<void> {
  const context = audioContext();
  if (!context || volume <= 0) return;
  // Only some browsers let a context choose its speaker; the others use the default.
  const routed = context as AudioContext & { setSinkId?: (id: string) => Promise<void>; sinkId?: string };
  if (canChooseSpeaker() && routed.setSinkId && (routed.sinkId ?? '') !== speaker) {
    await routed.setSinkId(speaker).catch(() => undefined);
  }
  for (const note of notes) play(context, note, volume);
}

export const playJoin = (volume: number, speaker = '') => playAll(JOIN, volume, speaker);
export const playLeave = (volume: number, speaker = '') => playAll(LEAVE, volume, speaker);
export const playTest = (volume: number, speaker = '') => playAll(DIAL_TONE, volume, speaker);
