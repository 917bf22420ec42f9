// What the element in a page of another site and the call in its frame say to each other. Whoever
// reads checks everything: either side may be of another version, or somebody else.
import type { CallState } from '../state/callState.ts';

/** In every message to a window: other scripts send messages, too. */
const MARK = 'dialtone-call';

/** The call says that it is there; to whoever is around, since it says nothing else. */
export const HELLO = { [MARK]: 'hello' } as const;

export function isHello(data: unknown): boolean {
  return fieldsOf(data)[MARK] === 'hello';
}

/** What a call is opened with. It comes with a port, over which everything else goes. */
export interface Opening {
  /** What the person is called; empty: they say it themselves. */
  name: string;
  /** A join token, which lets them in; empty: they come as any guest. */
  token: string;
  /** A language of the app; empty: as the browser asks. */
  language: string;
}

export function openingMessage(opening: Opening): object {
  return { [MARK]: 'open', ...opening };
}

/** An opening, from a message; null for what is none. */
export function readOpening(data: unknown): Opening | null {
  const { [MARK]: mark, name, token, language } = fieldsOf(data);
  return mark === 'open' ? { name: text(name), token: text(token), language: text(language) } : null;
}

/** How the call is: sent whenever something of it changes. */
export interface News {
  state: CallState;
  /** The server has let this person in, and they have not left. */
  joined: boolean;
  path: string;
  peers: number;
  /** The join token is good no more. */
  refused: boolean;
  /** Why the call is over, in the words of the protocol; empty while it is not. */
  reason: string;
}

const STATES: readonly string[] = ['idle', 'lobby', 'ringing', 'connecting', 'active', 'reconnecting', 'ended'];

export function readNews(data: unknown): News | null {
  const { state, joined, path, peers, refused, reason } = fieldsOf(data);
  if (typeof state !== 'string' || !STATES.includes(state)) return null;
  const count = typeof peers === 'number' && Number.isInteger(peers) ? peers : 0;
  return {
    state: state as CallState,
    joined: joined === true,
    path: text(path),
    peers: count,
    refused: refused === true,
    reason: text(reason),
  };
}

export const HANG_UP = { order: 'hang_up' } as const;

export function isHangUp(data: unknown): boolean {
  return fieldsOf(data).order === HANG_UP.order;
}

/** Longer than anything that is said here, and than any name. */
const LONGEST = 256;

function text(value: unknown): string {
  return typeof value === 'string' && value.length <= LONGEST ? value : '';
}

function fieldsOf(data: unknown): Record<string, unknown> {
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
}
