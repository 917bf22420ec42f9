// What kind of NAT one is behind, as far as it shows (RFC 4787, section 4.1; RFC 5780, section 4.3).
import type { StunFact } from './facts.ts';

/**
 * `none`: addresses are our own. `steady`: the same port towards everybody (endpoint-independent mapping).
 * `varying`: another one for each address (symmetric). `unknown`: there is a NAT, and a server with one address
 * cannot tell which kind. Null: no STUN answered, so nothing can be said.
 */
export type Nat = 'none' | 'steady' | 'varying' | 'unknown';

export function natOf({ asked, silent, mappings }: StunFact): Nat | null {
  const answered = asked.filter(({ url }) => !silent.includes(url));
  if (answered.length === 0) return null;
  // A browser does not tell a translation that changes nothing.
  if (mappings.length === 0) return 'none';
  const bases = new Set(mappings.map(({ base }) => base));
  for (const base of bases) {
    if (base === null) continue;
    const seen = mappings.filter((mapping) => mapping.base === base);
    if (new Set(seen.map(({ address, port }) => `${address} ${port}`)).size > 1) return 'varying';
  }
  // Of one version of IP: a NAT for the other is another one.
  const vantages = (family: 4 | 6) => answered.filter((place) => place.family === family).length;
  return !bases.has(null) && Math.max(vantages(4), vantages(6)) > 1 ? 'steady' : 'unknown';
}
