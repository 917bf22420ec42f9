// How loud a microphone is, from 0 to 1, about thirty times a second.
import { audioContext } from './audio.ts';

/** Quieter than this many decibels counts as nothing; 0 dB is the loudest there is. */
const FLOOR = -60;
const EVERY_MS = 33;

export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibels = 10 * Math.log10(sum / samples.length || 1e-10);
  return Math.min(1, Math.max(0, 1 - decibels / FLOOR));
}

export function watchLevel(track: MediaStreamTrack, tell: (level: number) => void): () => void {
  const context = audioContext();
  if (!context) return () => undefined;
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let shown = 0;
  const timer = setInterval(() => {
    // Held back, or without any speaker in some browsers: it hears nothing, whatever there is.
    if (context.state !== 'running') return;
    analyser.getFloatTimeDomainData(samples);
    // Rises at once and falls slowly, as a needle does: easier to read than raw values.
    shown = Math.max(levelOf(samples), shown * 0.85);
    tell(shown);
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    source.disconnect();
  };
}
