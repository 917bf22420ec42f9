import type { Path } from './protocol.gen.ts';

/** One entry of an `RTCStatsReport`, with the members used here; all optional, as browsers differ. */
export interface Stat {
  id: string;
  type: string;
  [member: string]: unknown;
}

/** The entries of a report. */
export function statsOf(report: RTCStatsReport): Map<string, Stat> {
  const stats = new Map<string, Stat>();
  report.forEach((stat: Stat, id: string) => stats.set(id, stat));
  return stats;
}

/** The candidate pair that carries the media. */
export function selectedPair(stats: ReadonlyMap<string, Stat>): Stat | null {
  for (const stat of stats.values()) {
    if (stat.type !== 'transport') continue;
    const pair = stats.get(String(stat['selectedCandidatePairId']));
    if (pair) return pair;
  }
  return fallbackPair(stats);
}

/**
 * How the media travels: `relay` if either end of the pair is at a relay.
 *
 * Our own end is certain. The other one shows as `prflx` when its check arrived before its
 * candidate; then its address is looked up among the relayed addresses it has told us.
 */
export function pathOf(
  stats: ReadonlyMap<string, Stat>,
  remoteRelays: ReadonlySet<string>,
): Path | null {
  const pair = selectedPair(stats);
  if (!pair) return null;
  const local = stats.get(String(pair['localCandidateId']));
  const remote = stats.get(String(pair['remoteCandidateId']));
  if (!local || !remote) return null;
  return isRelay(local) || isRelay(remote) || cameFromRelay(remote, remoteRelays)
    ? 'relay'
    : 'direct';
}

/** Whether what we send goes to a relay over TCP or TLS, where one lost packet holds up all that follow. */
export function goesByStream(stats: ReadonlyMap<string, Stat>): boolean {
  const local = stats.get(String(selectedPair(stats)?.['localCandidateId']));
  return local?.['relayProtocol'] === 'tcp' || local?.['relayProtocol'] === 'tls';
}

function isRelay(candidate: Stat): boolean {
  return candidate['candidateType'] === 'relay';
}

function cameFromRelay(remote: Stat, relays: ReadonlySet<string>): boolean {
  if (remote['candidateType'] !== 'prflx') return false;
  const port = String(remote['port']);
  const address = remote['address'] ?? remote['ip'];
  if (typeof address === 'string' && address !== '') return relays.has(`${address}:${port}`);
  // Browsers hide addresses the page was never told. The port alone of a relay is telling enough.
  return [...relays].some((relay) => relay.endsWith(`:${port}`));
}

/** Firefox marks the pair itself; failing that, the nominated one that succeeded. */
function fallbackPair(stats: ReadonlyMap<string, Stat>): Stat | null {
  const pairs = [...stats.values()].filter((stat) => stat.type === 'candidate-pair');
  return (
    pairs.find((pair) => pair['selected'] === true) ??
    pairs.find((pair) => pair['nominated'] === true && pair['state'] === 'succeeded') ??
    null
  );
}
