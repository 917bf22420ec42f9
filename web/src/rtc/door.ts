import type { Joined } from './protocol.gen.ts';

/**
 * How one comes into a call: through the room of a link, by answering a ring, or, when two have
 * called each other at the same time, by the answer to the invite. `secret` is the part of a link after
 * the `#`: 128 bits in base64url that the two ends know and the server does not.
 */
export type Door = { room: string; secret?: string } | { ring: string; call: string } | { joined: Joined };

/** The room behind a door; empty where only the server knows it yet. */
export function roomOf(door: Door): string {
  if ('room' in door) return door.room;
  return 'joined' in door ? door.joined.room : '';
}

/** The call behind a door; null for a room, whose call may have any id. */
export function callOf(door: Door): string | null {
  if ('ring' in door) return door.call;
  return 'joined' in door ? door.joined.call : null;
}

/** The secret of a link; empty for a link without one, and for a ring. */
export function secretOf(door: Door): string {
  return 'room' in door ? (door.secret ?? '') : '';
}
