// The link of a call, as a page of another site gives it to the element.
import { newRoom, parseRoute, parseSecret, roomPath } from '../state/route.ts';

/** The address of the call on the server `origin`; null for what is no link to it. */
export function callAddress(link: string, origin: string): string | null {
  let url: URL;
  try {
    url = new URL(link, origin);
  } catch {
    return null;
  }
  const route = parseRoute(url.pathname);
  // Elsewhere somebody else would be given the camera.
  if (url.origin !== origin || route.page !== 'room') return null;
  return origin + roomPath(route.room, parseSecret(url.hash));
}

/** A link that nobody had before: a room, and a secret that stays in browsers. */
export function newLink(origin: string): string {
  return origin + roomPath(newRoom(), newRoom());
}
