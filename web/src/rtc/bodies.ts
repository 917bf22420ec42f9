// The bodies that travel between two clients. The server never reads them, so whatever arrives here
// was written by the other person's program, or by somebody who pretends to be one.
import { limits } from './protocol.gen.ts';
import { utf8Length } from './ids.ts';

/** An offer or an answer, in text form. */
export interface SessionDescription {
  type: 'offer' | 'answer';
  sdp: string;
}

/** Longest chat message, in bytes of its body before it is sealed. Sealed, it is a third longer. */
export const MAX_CHAT_BYTES: number = Math.floor((limits.chat_bytes * 3) / 4) - 64;

/** The body of a `description`. */
export function encodeDescription(description: { type: string; sdp: string }): string {
  return JSON.stringify({ type: description.type, sdp: description.sdp });
}

/** Reads the body of a `description`; null for anything but an offer or an answer. */
export function decodeDescription(body: unknown): SessionDescription | null {
  const { type, sdp } = parseObject(body, limits.description_bytes);
  if (type !== 'offer' && type !== 'answer') return null;
  return typeof sdp === 'string' ? { type, sdp } : null;
}

/** Reads the body of one candidate; null for what is none. An empty `candidate` is none either. */
export function decodeCandidate(body: unknown): RTCIceCandidateInit | null {
  const { candidate, sdpMid, sdpMLineIndex, usernameFragment } = parseObject(
    body,
    limits.candidate_bytes,
  );
  if (typeof candidate !== 'string' || candidate === '') return null;
  return {
    candidate,
    sdpMid: typeof sdpMid === 'string' ? sdpMid : null,
    sdpMLineIndex: typeof sdpMLineIndex === 'number' ? sdpMLineIndex : null,
    usernameFragment: typeof usernameFragment === 'string' ? usernameFragment : null,
  };
}

/** The body of a chat message; null when it is empty or too long to be sent. */
export function encodeChat(text: string): string | null {
  return encodeText(text, MAX_CHAT_BYTES);
}

/** The body of a message that is left after a ring; null when it is empty or too long. */
export function encodeMessage(text: string): string | null {
  return encodeText(text, limits.message_bytes);
}

function encodeText(text: string, longest: number): string | null {
  const body = JSON.stringify({ text });
  return text !== '' && utf8Length(body) <= longest ? body : null;
}

/** The text of a chat message; null for a body that holds none. */
export function decodeChat(body: unknown): string | null {
  const { text } = parseObject(body, limits.chat_bytes);
  return typeof text === 'string' && text !== '' ? text : null;
}

function parseObject(body: unknown, longest: number): Record<string, unknown> {
  if (typeof body !== 'string' || body.length > longest) return {};
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
