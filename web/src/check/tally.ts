// Figures of a line, from what was sent and what of it arrived, by one clock.

export interface Arrivals {
  sent: number;
  /** For each packet that arrived, in the order of sending: how long it was on the way, in milliseconds. */
  delays: readonly number[];
}

export interface Tally {
  roundTripMs: number;
  jitterMs: number;
  loss: number;
}

/** Null if nothing arrived. */
export function tally({ sent, delays }: Arrivals): Tally | null {
  const sorted = [...delays].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  if (median === undefined) return null;
  const steps = delays.slice(1).map((delay, i) => Math.abs(delay - delays[i]!));
  return {
    roundTripMs: median,
    // The mean deviation of RFC 3550, section 6.4.1, over all of it rather than smoothed.
    jitterMs: steps.length ? steps.reduce((sum, step) => sum + step, 0) / steps.length : 0,
    loss: Math.max(0, 1 - delays.length / sent),
  };
}

/**
 * Bits a second: what arrived from the moment on at which the flow was up, as it begins slowly. Null if
 * too little came to say.
 */
export function throughputOf(chunks: readonly { at: number; bytes: number }[], from: number): number | null {
  const counted = chunks.filter(({ at }) => at >= from);
  const [first, last] = [counted[0], counted.at(-1)];
  if (!first || !last || last.at - first.at < 200) return null;
  // The first one marks the beginning; what it has brought came before.
  const bytes = counted.slice(1).reduce((sum, chunk) => sum + chunk.bytes, 0);
  return (bytes * 8 * 1000) / (last.at - first.at);
}
