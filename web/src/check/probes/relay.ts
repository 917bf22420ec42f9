// Tries every way to the relay, and measures the best of them.
import { placeOf, TRANSPORTS, type Place, type Transport } from '../places.ts';
import type { LineFact, WayFact } from '../facts.ts';
import { Loopback } from './loopback.ts';
import { measure } from './line.ts';

/** The places among servers of this kind, each with all that a browser needs to go there. */
export function placesOf(servers: readonly RTCIceServer[], what: Place['what']): { place: Place; server: RTCIceServer }[] {
  return servers.flatMap((server) =>
    [server.urls].flat().flatMap((url) => {
      const place = placeOf(url);
      return place?.what === what ? [{ place, server: { ...server, urls: url } }] : [];
    }),
  );
}

export interface Tried {
  ways: WayFact[];
  /** The best that works, still open. */
  best: { loop: Loopback; by: Transport } | null;
}

export async function tryAll(servers: readonly RTCIceServer[], signal: AbortSignal): Promise<Tried> {
  const tried = await Promise.all(
    placesOf(servers, 'turn').map(async ({ place, server }) => ({ place, loop: await Loopback.open(server, signal) })),
  );
  const rank = ({ by }: Place) => TRANSPORTS.indexOf(by);
  const [best = null, ...rest] = tried.filter(({ loop }) => loop !== null).sort((a, b) => rank(a.place) - rank(b.place));
  for (const { loop } of rest) loop?.close();
  return {
    ways: tried.map(({ place, loop }) => ({ place, works: loop !== null })),
    best: best?.loop ? { loop: best.loop, by: best.place.by } : null,
  };
}

/** Measures and closes. */
export async function measureBest({ best }: Tried, signal: AbortSignal): Promise<LineFact | null> {
  if (best === null) return null;
  try {
    return await measure(best.loop, best.by, signal);
  } finally {
    best.loop.close();
  }
}
