// What two ends say to each other beside the media, over a data channel that no server sees. All of it
// comes from the other person's program.

/** What a person can show of what they feel; each end draws and says it in its own way. */
export const REACTIONS = ['thumbs', 'heart', 'clap', 'laugh', 'wow', 'party'] as const;
export type Reaction = (typeof REACTIONS)[number];

/**
 * A message. `file` is the number its sender gave the offer, from 1 upwards in this channel: in `offer`
 * and `withdraw` one of the sender's own, in the others one of the receiver's.
 */
export type Said =
  /** The first message of each end: it understands all of these. */
  | { readonly t: 'hello' }
  /** "May I send you this?" Nothing of it comes before it is accepted. */
  | { readonly t: 'offer'; readonly file: number; readonly name: string; readonly size: number }
  | { readonly t: 'accept'; readonly file: number }
  /** No, or no longer. */
  | { readonly t: 'decline'; readonly file: number }
  /** It is offered, or sent, no longer. */
  | { readonly t: 'withdraw'; readonly file: number }
  /** All of it has come. */
  | { readonly t: 'got'; readonly file: number }
  | { readonly t: 'reaction'; readonly reaction: Reaction };

/** Largest file, in bytes. Both pages hold it in memory; twice as much would be too much for small phones. */
export const MAX_FILE_BYTES = 25_000_000;
/**
 * Bytes of a file in one message. What is larger keeps signs of life waiting behind it on slow lines; what
 * is smaller costs more messages.
 */
export const PART_BYTES = 16_384;
/** Longest name of a file, in characters. */
export const MAX_NAME_CHARS = 120;
/** Longest message that is no part of a file, in characters. */
const MAX_SAID_CHARS = 1_024;
const LARGEST_NUMBER = 0xffff_ffff;
const HEAD_BYTES = 4;

/** The message as it travels. */
export function encodeSaid(said: Said): string {
  return JSON.stringify(said);
}

/** Reads a message; `unknown` for one of a newer version, null for what no honest end says. */
export function readSaid(text: string): Said | 'unknown' | null {
  const fields = text.length <= MAX_SAID_CHARS ? parse(text) : null;
  switch (fields?.['t']) {
    case 'hello':
      return { t: 'hello' };
    case 'offer':
      return readOffer(fields);
    case 'accept':
    case 'decline':
    case 'withdraw':
    case 'got':
      return isNumber(fields['file']) ? { t: fields['t'], file: fields['file'] } : null;
    case 'reaction':
      return readReaction(fields['reaction']);
    default:
      return typeof fields?.['t'] === 'string' ? 'unknown' : null;
  }
}

/** A part of the file with this number, as it travels: the number, big-endian, and the bytes. */
export function encodePart(file: number, content: ArrayBuffer): ArrayBuffer {
  const part = new Uint8Array(HEAD_BYTES + content.byteLength);
  new DataView(part.buffer).setUint32(0, file);
  part.set(new Uint8Array(content), HEAD_BYTES);
  return part.buffer;
}

/** Reads a part; null for what is none, or is longer than a part may be. */
export function readPart(data: ArrayBuffer): { file: number; content: ArrayBuffer } | null {
  if (data.byteLength <= HEAD_BYTES || data.byteLength > HEAD_BYTES + PART_BYTES) return null;
  return { file: new DataView(data).getUint32(0), content: data.slice(HEAD_BYTES) };
}

function readOffer({ file, name, size }: Record<string, unknown>): Said | null {
  if (!isNumber(file) || typeof name !== 'string' || name.length > MAX_NAME_CHARS) return null;
  return Number.isSafeInteger(size) && (size as number) > 0 ? { t: 'offer', file, name, size: size as number } : null;
}

function readReaction(value: unknown): Said | 'unknown' | null {
  const known = REACTIONS.find((each) => each === value);
  if (known) return { t: 'reaction', reaction: known };
  return typeof value === 'string' ? 'unknown' : null;
}

function isNumber(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= LARGEST_NUMBER;
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
