// Which page an address names, and the addresses of rooms.

/** Pages about the person who uses this browser, and about the server. */
const ACCOUNT_PAGES = ['signin', 'welcome', 'settings', 'history', 'admin'] as const;
export type AccountPage = (typeof ACCOUNT_PAGES)[number];

export type Route = { page: 'start' } | { page: 'check' } | { page: 'room'; room: string } | { page: AccountPage } | { page: 'unknown' };

/** 128 bits in base64url: 22 characters, of which the last carries two bits only. */
const BITS_128 = /^[A-Za-z0-9_-]{21}[AQgw]$/;

export function parseRoute(pathname: string): Route {
  const path = pathname.replace(/^\/+|\/+$/g, '');
  if (path === '') return { page: 'start' };
  if (path === 'check') return { page: 'check' };
  if (isAccountPage(path)) return { page: path };
  return BITS_128.test(path) ? { page: 'room', room: path } : { page: 'unknown' };
}

export function isAccountPage(name: string): name is AccountPage {
  return (ACCOUNT_PAGES as readonly string[]).includes(name);
}

/** 128 random bits: a room, or the secret of its link. */
export function newRoom(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (b) => crypto.getRandomValues(b)): string {
  const bytes = random(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/**
 * The secret of a link, from what follows the `#` of an address: browsers never send that part to a
 * server. Empty where there is none, or not a whole one.
 */
export function parseSecret(hash: string): string {
  const secret = hash.replace(/^#/, '');
  return BITS_128.test(secret) ? secret : '';
}

/** The address of a room within this server. */
export function roomPath(room: string, secret: string): string {
  return secret ? `/${room}#${secret}` : `/${room}`;
}
