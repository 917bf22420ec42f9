// What travels in the bodies of descriptions and candidates once two ends seal what they say. All of
// it comes from the other person's program, or from whoever has put itself in between.
import { fromBase64Url, toBase64Url } from '../ids.ts';

/** The newest version of the handshake that is known here. Of two, the older one is spoken. */
export const VERSION = 1;

/** Which end of a connection; the impolite one makes the first offer. */
export type Role = 'impolite' | 'polite';

/** The first message of each end, and all that the keys are made of. */
export interface Hello {
  readonly v: number;
  readonly role: Role;
  /** ECDH key for this connection alone: uncompressed P-256 point, base64url. */
  readonly ephemeral: string;
  /** ECDSA key that signs this end's descriptions, in the same form. */
  readonly signing: string;
  /** 128 random bits, base64url. */
  readonly nonce: string;
  /** Whether this end came by a link with a secret. */
  readonly link: boolean;
  /** Id of this end's account; empty for a guest. */
  readonly user: string;
}

/** What a sealed message is bound to: moved to another place it cannot be opened. */
export type SealedKind = 'description' | 'candidate';

/** A body, as far as it can be told without keys. */
export type Frame =
  | { readonly kind: 'hello'; readonly hello: Hello; readonly text: string }
  | { readonly kind: 'sealed'; readonly counter: number; readonly data: Uint8Array<ArrayBuffer> }
  /** Of an end that does not seal. */
  | { readonly kind: 'plain' }
  /** Says that it is one of these, and is not. */
  | { readonly kind: 'broken' };

/** What the ends tell each other when they can seal; each part is left out where it is not meant. */
export interface Note {
  readonly description?: { readonly type: string; readonly sdp: string };
  readonly signature?: string;
  readonly chat?: string;
  readonly commit?: string;
  readonly nonce?: string;
  readonly reveal?: string;
}

/** A hello has a known shape; more than this is none. */
const HELLO_CHARS = 1_024;
const KEY = /^B[A-Za-z0-9_-]{86}$/;
const BITS_128 = /^[A-Za-z0-9_-]{21}[AQgw]$/;
const USER = /^[A-Za-z0-9_-]{0,64}$/;
const BASE64URL = /^[A-Za-z0-9_-]+$/;
/** A GCM tag is 16 bytes, and nothing is sealed that is empty. */
const SHORTEST_SEALED = 17;

/** The body of a hello. */
export function encodeHello({ v, role, ephemeral, signing, nonce, link, user }: Hello): string {
  return JSON.stringify({ dialtone: 'hello', v, role, ephemeral, signing, nonce, link, user });
}

/** The body of something sealed. */
export function encodeSealed(counter: number, data: Uint8Array): string {
  return JSON.stringify({ dialtone: 'sealed', n: counter, data: toBase64Url(data) });
}

/** Reads a body of at most `longest` characters. */
export function readFrame(body: unknown, longest: number): Frame {
  const fields = objectOf(body, longest);
  if (fields['dialtone'] === 'hello') return readHello(fields, body as string);
  if (fields['dialtone'] === 'sealed') return readSealed(fields);
  return 'dialtone' in fields ? { kind: 'broken' } : { kind: 'plain' };
}

/** Reads what was sealed in a description's place; parts that are not as they should be are left out. */
export function readNote(text: string): Note {
  const fields = objectOf(text, text.length);
  const description = fields['description'] as { type?: unknown; sdp?: unknown } | null | undefined;
  const note: Record<string, unknown> = {};
  for (const key of ['signature', 'chat', 'commit', 'nonce', 'reveal']) {
    if (typeof fields[key] === 'string') note[key] = fields[key];
  }
  if (typeof description?.type === 'string' && typeof description.sdp === 'string') {
    note['description'] = { type: description.type, sdp: description.sdp };
  }
  return note;
}

function readHello(fields: Record<string, unknown>, text: string): Frame {
  const { v, role, ephemeral, signing, nonce, link, user } = fields;
  const good =
    text.length <= HELLO_CHARS &&
    Number.isSafeInteger(v) &&
    (v as number) >= 1 &&
    (role === 'impolite' || role === 'polite') &&
    matches(KEY, ephemeral) &&
    matches(KEY, signing) &&
    matches(BITS_128, nonce) &&
    typeof link === 'boolean' &&
    matches(USER, user);
  if (!good) return { kind: 'broken' };
  const hello = { v, role, ephemeral, signing, nonce, link, user } as Hello;
  return { kind: 'hello', hello, text };
}

function readSealed({ n, data }: Record<string, unknown>): Frame {
  if (!Number.isSafeInteger(n) || (n as number) < 1 || !matches(BASE64URL, data)) return { kind: 'broken' };
  const bytes = bytesOf(data as string);
  if (!bytes || bytes.length < SHORTEST_SEALED) return { kind: 'broken' };
  return { kind: 'sealed', counter: n as number, data: bytes };
}

function matches(pattern: RegExp, value: unknown): boolean {
  return typeof value === 'string' && pattern.test(value);
}

/** Null for what is not base64url. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return new Uint8Array(fromBase64Url(text));
  } catch {
    return null;
  }
}

function objectOf(body: unknown, longest: number): Record<string, unknown> {
  if (typeof body !== 'string' || body.length > longest) return {};
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
