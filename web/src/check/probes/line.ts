// Sends as a call does, first small packets like those of a voice, then as much as a picture needs.
import type { LineFact } from '../facts.ts';
import type { Transport } from '../places.ts';
import { tally, throughputOf } from '../tally.ts';
import type { Loopback } from './loopback.ts';

/** Packets of a voice: one every 20 ms, of 160 bytes. */
const VOICE = { packets: 100, everyMs: 20, bytes: 160 };
/** What is late by more is of no use to a call. */
const LATE_MS = 1_000;
/** Below the 250,000 bytes a second that the relay grants to a check, with what goes around them. */
const PICTURE = { bytesPerSecond: 200_000, chunk: 1_000, everyMs: 10, forMs: 2_500, upAfterMs: 1_000 };
/** More waiting than this does not leave any sooner. */
const FULL = 64_000;

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Null: what was open carries nothing any more. */
export async function measure(loop: Loopback, by: Transport, signal: AbortSignal): Promise<LineFact | null> {
  const voice = await speak(loop, signal);
  if (voice === null || signal.aborted) return null;
  const throughput = await show(loop, signal);
  const capped = throughput !== null && throughput >= 0.9 * 8 * PICTURE.bytesPerSecond;
  return { by, ...voice, throughput, capped };
}

async function speak({ near, far }: Loopback, signal: AbortSignal) {
  const sent: number[] = [];
  const delays: number[] = [];
  far.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
    const number = new DataView(data).getUint32(0);
    const at = sent[number];
    if (at !== undefined) delays[number] = performance.now() - at;
  };
  const begin = performance.now();
  for (let number = 0; number < VOICE.packets && !signal.aborted; number++) {
    // By the clock: timers come late, and must not add up.
    await pause(Math.max(0, begin + number * VOICE.everyMs - performance.now()));
    const packet = new ArrayBuffer(VOICE.bytes);
    new DataView(packet).setUint32(0, number);
    sent[number] = performance.now();
    if (!send(near, packet)) return null;
  }
  const missing = () => Object.keys(delays).length < sent.length;
  for (let waited = 0; waited < LATE_MS && missing() && !signal.aborted; waited += 50) await pause(50);
  // The array has holes where a packet was lost.
  return tally({ sent: sent.length, delays: Object.values(delays) });
}

async function show({ near, far }: Loopback, signal: AbortSignal): Promise<number | null> {
  const chunks: { at: number; bytes: number }[] = [];
  far.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => void chunks.push({ at: performance.now(), bytes: data.byteLength });
  const begin = performance.now();
  let bytes = 0;
  for (let past = 0; past < PICTURE.forMs && !signal.aborted; past = performance.now() - begin) {
    const due = (PICTURE.bytesPerSecond * past) / 1000;
    // What could not leave in time is not made up for: the relay would count it as too much.
    bytes = Math.max(bytes, due - 10 * PICTURE.chunk);
    for (; bytes < due && near.bufferedAmount < FULL; bytes += PICTURE.chunk) {
      if (!send(near, new ArrayBuffer(PICTURE.chunk))) return null;
    }
    await pause(PICTURE.everyMs);
  }
  return throughputOf(chunks, begin + PICTURE.upAfterMs);
}

function send(channel: RTCDataChannel, data: ArrayBuffer): boolean {
  try {
    channel.send(data);
    return true;
  } catch {
    return false;
  }
}
