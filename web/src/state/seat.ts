// Remembers, for this tab, the call it is in: a reload goes back to it without the lobby.
//
// Browsers also keep what a tab remembers when they restore it days later, and copy it when a tab is
// duplicated. Neither may turn a camera on, so a seat is good only for a moment after the page left.
import { readJson, tab, type KeyValue } from './stored.ts';

const KEY = 'dialtone.seat';

/** As long as the server keeps the seat, and as much again for the page to load. */
const GOOD_MS = 60_000;

export interface Seat {
  room: string;
  name: string;
  media: { audio: boolean; video: boolean };
  /** The call is on hold. */
  held?: boolean;
  /** Whom the call is with, if a ring led into it. */
  person?: { user: string; name: string };
  /** They are still being called. */
  dial?: { ring: string; video: boolean };
  /** Another call, which is on hold while this one goes on. */
  parked?: ParkedSeat;
}

export interface ParkedSeat {
  room: string;
  secret: string;
  /** What was on before it was put on hold. */
  media: Seat['media'];
  person?: Seat['person'];
}

/** The call this tab is in. A page that is there has no use for the seat yet: see {@link leaveSeat}. */
export function rememberSeat(seat: Seat, storage: KeyValue = tab): void {
  storage.setItem(KEY, JSON.stringify(seat));
}

/** The page is going away, or hidden and may be thrown out; null: it is back. */
export function leaveSeat(at: number | null, storage: KeyValue = tab): void {
  const seat = readJson(storage, KEY) as object | null;
  if (seat) storage.setItem(KEY, JSON.stringify({ ...seat, left: at }));
}

export function forgetSeat(storage: KeyValue = tab): void {
  storage.removeItem(KEY);
}

/** The seat this tab had in `room`, if it was in a call there when it was unloaded. */
export function recallSeat(room: string, now = Date.now(), storage: KeyValue = tab): Seat | null {
  const seat = readJson(storage, KEY) as (Partial<Seat> & { left?: unknown }) | null;
  if (!seat || seat.room !== room || typeof seat.name !== 'string' || !seat.media) return null;
  if (typeof seat.left !== 'number' || Math.abs(now - seat.left) > GOOD_MS) return null;
  const [person, dial, parked] = [personOf(seat.person), dialOf(seat.dial), parkedOf(seat.parked)];
  return {
    room,
    name: seat.name,
    media: mediaOf(seat.media),
    ...(seat.held === true && { held: true }),
    ...(person && { person }),
    ...(person && dial && { dial }),
    ...(parked && { parked }),
  };
}

function mediaOf(stored: unknown): Seat['media'] {
  const { audio, video } = (stored ?? {}) as Record<string, unknown>;
  return { audio: audio === true, video: video === true };
}

function personOf(stored: unknown): Seat['person'] {
  const { user, name } = (stored ?? {}) as Record<string, unknown>;
  return typeof user === 'string' && typeof name === 'string' ? { user, name } : undefined;
}

function dialOf(stored: unknown): Seat['dial'] {
  const { ring, video } = (stored ?? {}) as Record<string, unknown>;
  return typeof ring === 'string' && typeof video === 'boolean' ? { ring, video } : undefined;
}

function parkedOf(stored: unknown): ParkedSeat | undefined {
  const { room, secret, media, person: stated } = (stored ?? {}) as Record<string, unknown>;
  if (typeof room !== 'string' || typeof secret !== 'string') return undefined;
  const person = personOf(stated);
  return { room, secret, media: mediaOf(media), ...(person && { person }) };
}
