// Which page an address names, and the addresses of rooms.

/** Pages about the person who uses this browser, and about the server. */
const ACCOUNT_PAGES = ['signin', 'welcome', 'settings', 'history', 'admin'] as const;
export type AccountPage = (typeof ACCOUNT_PAGES)[number];

export type Route = { page: 'start' } | { page: 'room'; room: string } | { page: AccountPage } | { page: 'unknown' };

/** 128 bits in base64url: 22 characters, of which the last carries two bits only. */
const ROOM = /^[A-Za-z0-9_-]{21}[AQgw]$/;

export function parseRoute(pathname: string): Route {
  const path = pathname.replace(/^\/+|\/+$/g, '');
  if (path === '') return { page: 'start' };
  if (isAccountPage(path)) return { page: path };
  return ROOM.test(path) ? { page: 'room', room: path } : { page: 'unknown' };
}

export function isAccountPage(name: string): name is AccountPage {
  return (ACCOUNT_PAGES as readonly string[]).includes(name);
}

export function newRoom(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (b) => crypto.getRandomValues(b)): string {
  const bytes = random(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The link to give to somebody. A part after `#` belongs to the link and is kept. */
export function roomLink(origin: string, room: string, hash = ''): string {
  return `${origin}/${room}${hash}`;
}
