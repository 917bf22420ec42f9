// Where STUN and TURN are, read from their URLs (RFC 7064, RFC 7065).

export type Transport = 'udp' | 'tcp' | 'tls';
export const TRANSPORTS: readonly Transport[] = ['udp', 'tcp', 'tls'];

export interface Place {
  url: string;
  what: 'stun' | 'turn';
  by: Transport;
  port: number;
  /** The version of IP, where the host is an address. */
  family: 4 | 6 | null;
}

const URL_SHAPE = /^(stuns?|turns?):(\[[0-9a-f:.]+\]|[^:?[\]]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/i;

/** Null for what is no such URL. */
export function placeOf(url: string): Place | null {
  const [, scheme = '', host = '', port, transport] = URL_SHAPE.exec(url) ?? [];
  if (!scheme) return null;
  const secure = scheme.toLowerCase().endsWith('s');
  return {
    url,
    what: scheme.toLowerCase().startsWith('stun') ? 'stun' : 'turn',
    by: secure ? 'tls' : transport?.toLowerCase() === 'tcp' ? 'tcp' : 'udp',
    port: port === undefined ? (secure ? 5349 : 3478) : Number(port),
    family: host.startsWith('[') ? 6 : /^\d+(\.\d+){3}$/.test(host) ? 4 : null,
  };
}
