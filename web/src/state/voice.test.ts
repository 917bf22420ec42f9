import { expect, it } from 'vitest';
import { VoiceWatch, type VoiceHint } from './voice.ts';

const STEP = 33;

/** Samples of one level for some time; the last hint. */
function watcher() {
  const watch = new VoiceWatch();
  let now = 1_000;
  return (level: number, muted: boolean, ms: number): VoiceHint | null => {
    let hint: VoiceHint | null = null;
    for (const end = now + ms; now < end; now += STEP) hint = watch.sample(level, muted, now);
    return hint;
  };
}

it('says that somebody talks while muted, after a sentence and not after a cough', () => {
  const hear = watcher();
  expect(hear(0.6, true, 300), 'a cough').toBeNull();
  expect(hear(0.1, true, 2_000)).toBeNull();
  expect(hear(0.6, true, 900)).toBe('muted');
});

it('hears a sentence through the gaps between its words', () => {
  const hear = watcher();
  for (let word = 0; word < 5; word++) {
    hear(0.6, true, 250);
    hear(0.1, true, 120);
  }
  expect(hear(0.1, true, 40)).toBe('muted');
});

it('goes when one unmutes, and by itself, and does not nag', () => {
  const hear = watcher();
  expect(hear(0.6, true, 900)).toBe('muted');
  expect(hear(0.6, false, 100)).toBeNull();
  expect(hear(0.6, true, 5_000), 'muted again at once, as one who was told').toBeNull();
  const other = watcher();
  other(0.6, true, 900);
  expect(other(0.6, true, 7_000)).toBeNull();
  expect(other(0.6, true, 31_000)).toBe('muted');
});

it('says that a microphone gives nothing, unless it ever has', () => {
  const hear = watcher();
  expect(hear(0, false, 11_000)).toBeNull();
  expect(hear(0, false, 2_000)).toBe('silent');
  expect(hear(0.1, false, 100), 'plugged in properly').toBeNull();
  expect(hear(0, false, 60_000), 'noise suppression makes pauses silent').toBeNull();
});

it('muted says nothing of a microphone that gives nothing', () => {
  const hear = watcher();
  expect(hear(0, true, 60_000)).toBeNull();
  expect(hear(0, false, 5_000)).toBeNull();
});

it('a page in the background samples rarely, and one loud moment is no sentence', () => {
  const watch = new VoiceWatch();
  watch.sample(0.1, true, 0);
  expect(watch.sample(0.6, true, 60_000)).toBeNull();
});
