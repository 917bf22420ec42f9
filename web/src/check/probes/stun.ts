// Asks STUN by what browsers have for it: candidates.
import type { Mapping, StunFact } from '../facts.ts';
import type { Place } from '../places.ts';

/** A browser asks a few times before it gives up, longer than a person waits. */
const PATIENCE_MS = 5_000;

/** All servers are asked from the same sockets, so that a NAT that makes a difference shows. */
export async function askStun(asked: readonly Place[], signal: AbortSignal): Promise<StunFact> {
  const urls = asked.map(({ url }) => url);
  if (urls.length === 0) return { asked, silent: [], mappings: [] };
  const connection = new RTCPeerConnection({ iceServers: [{ urls }] });
  const [mappings, failed, answered] = [new Map<string, Mapping>(), new Set<string>(), new Set<string>()];
  connection.onicecandidate = (event) => {
    const { candidate } = event;
    if (candidate?.type !== 'srflx' || !candidate.address || !candidate.port) return;
    const { address, port, relatedAddress, relatedPort } = candidate;
    // Browsers hide the addresses of people who have not let the page have a device.
    const base = relatedAddress && relatedPort ? `${relatedAddress} ${relatedPort}` : null;
    mappings.set(`${address} ${port} ${base}`, { address, port, base });
    const { url } = event as { url?: string | null };
    if (url) answered.add(url);
  };
  // One socket of several may fail where another is answered.
  connection.onicecandidateerror = ({ url }) => void failed.add(url);
  try {
    connection.createDataChannel('check');
    await connection.setLocalDescription();
    const complete = await gathered(connection, signal);
    const silent = urls.filter((url) => {
      if (answered.has(url)) return false;
      const family = asked.find((place) => place.url === url)?.family;
      const mapped = [...mappings.values()].some(({ address }) => family === (address.includes(':') ? 6 : 4));
      if (mapped) return false;
      return failed.has(url) || !complete;
    });
    return { asked, silent, mappings: [...mappings.values()] };
  } finally {
    connection.close();
  }
}

/** False: some server has not answered in time. */
function gathered(connection: RTCPeerConnection, signal: AbortSignal): Promise<boolean> {
  return new Promise((done) => {
    const timer = setTimeout(() => done(false), PATIENCE_MS);
    const end = (complete: boolean) => {
      clearTimeout(timer);
      done(complete);
    };
    signal.addEventListener('abort', () => end(false));
    connection.addEventListener('icegatheringstatechange', () => {
      if (connection.iceGatheringState === 'complete') end(true);
    });
  });
}
