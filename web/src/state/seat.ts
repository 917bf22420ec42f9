// Remembers, for this tab, the call it is in: a reload goes back to it without the lobby.
import { readJson, tab, type KeyValue } from './stored.ts';

const KEY = 'dialtone.seat';

export interface Seat {
  room: string;
  name: string;
  media: { audio: boolean; video: boolean };
}

export function rememberSeat(seat: Seat, storage: KeyValue = tab): void {
  storage.setItem(KEY, JSON.stringify(seat));
}

export function forgetSeat(storage: KeyValue = tab): void {
  storage.removeItem(KEY);
}

/** The seat this tab had in `room`, if it was in a call there when it was unloaded. */
export function recallSeat(room: string, storage: KeyValue = tab): Seat | null {
  const seat = readJson(storage, KEY) as Partial<Seat> | null;
  if (!seat || seat.room !== room || typeof seat.name !== 'string' || !seat.media) return null;
  return { room, name: seat.name, media: { audio: seat.media.audio === true, video: seat.media.video === true } };
}
