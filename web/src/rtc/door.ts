import type { Joined } from './protocol.gen.ts';

/**
 * How one comes into a call: through the room of a link, by answering a ring, or, when two have
 * called each other at the same time, by the answer to the invite.
 */
export type Door = { room: string } | { ring: string; call: string } | { joined: Joined };

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
