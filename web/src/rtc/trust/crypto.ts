// The cryptography of the handshake, by WebCrypto alone. Nothing here decides anything.
import { toBase64Url } from '../ids.ts';
import { bytesOf, type Role, type SealedKind } from './wire.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const ECDH = { name: 'ECDH', namedCurve: 'P-256' } as const;
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;
const AES = { name: 'AES-GCM', length: 256 } as const;
const NO_BYTES: Bytes = new Uint8Array();

/** Texts and bytes one after the other, each behind its length (4 bytes, big-endian). */
export function joined(...parts: (string | Bytes)[]): Bytes {
  const encoder = new TextEncoder();
  const chunks = parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part));
  const result = new Uint8Array(chunks.reduce((sum, { length }) => sum + 4 + length, 0));
  const view = new DataView(result.buffer);
  let at = 0;
  for (const chunk of chunks) {
    view.setUint32(at, chunk.length);
    result.set(chunk, at + 4);
    at += 4 + chunk.length;
  }
  return result;
}

/** SHA-256 over {@link joined} parts. */
export async function hash(...parts: (string | Bytes)[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', joined(...parts)));
}

/** What both ends must have seen alike for their keys to fit; `hellos` as they were sent. */
export interface Transcript {
  readonly room: string;
  readonly call: string;
  readonly connection: string;
  /** The participants, the impolite one first. */
  readonly participants: readonly [string, string];
  readonly hellos: readonly [string, string];
}

/** The hash of everything the two ends agree about. */
export function transcriptHash({ room, call, connection, participants, hellos }: Transcript): Promise<Bytes> {
  return hash('dialtone handshake 1', room, call, connection, ...participants, ...hellos);
}

/** What the secret of a link is worth in this room; empty for a link without one. */
export async function linkKey(room: string, secret: string): Promise<Bytes> {
  const bytes = bytesOf(secret);
  if (secret === '' || bytes?.length !== 16) return NO_BYTES;
  const base = await crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveBits']);
  return new Uint8Array(await crypto.subtle.deriveBits(hkdf(joined(room), 'dialtone link'), base, 256));
}

/** The key pair of one connection. */
export class Ephemeral {
  /** Uncompressed point, base64url. */
  readonly public: string;
  readonly #private: CryptoKey;

  private constructor(publicKey: string, privateKey: CryptoKey) {
    this.public = publicKey;
    this.#private = privateKey;
  }

  static async create(): Promise<Ephemeral> {
    return Ephemeral.of(await crypto.subtle.generateKey(ECDH, false, ['deriveBits']));
  }

  static async of(pair: CryptoKeyPair): Promise<Ephemeral> {
    return new Ephemeral(await publicText(pair.publicKey), pair.privateKey);
  }

  /** What only this end and the one with the other key can know. Rejects for what is no point. */
  async shared(theirs: string): Promise<Bytes> {
    const point = bytesOf(theirs) ?? NO_BYTES;
    const key = await crypto.subtle.importKey('raw', point, ECDH, false, []);
    return new Uint8Array(await crypto.subtle.deriveBits({ name: 'ECDH', public: key }, this.#private, 256));
  }
}

/** A key pair that stands for a participant. */
export class SigningKey {
  /** Uncompressed point, base64url. */
  readonly public: string;
  readonly #private: CryptoKey;

  private constructor(publicKey: string, privateKey: CryptoKey) {
    this.public = publicKey;
    this.#private = privateKey;
  }

  static async create(): Promise<SigningKey> {
    return SigningKey.of(await newSigningPair());
  }

  static async of(pair: CryptoKeyPair): Promise<SigningKey> {
    return new SigningKey(await publicText(pair.publicKey), pair.privateKey);
  }

  /** `r ‖ s`, base64url. */
  async sign(bytes: Bytes): Promise<string> {
    return toBase64Url(new Uint8Array(await crypto.subtle.sign(SIGNATURE, this.#private, bytes)));
  }
}

/** A pair for {@link SigningKey.of} whose private half never leaves the browser. */
export function newSigningPair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ECDSA, false, ['sign', 'verify']);
}

/** Whether `signature` over `bytes` was made with the private half of `key`. */
export async function verify(key: string, bytes: Bytes, signature: string): Promise<boolean> {
  const [point, given] = [bytesOf(key), bytesOf(signature)];
  if (!point || !given) return false;
  try {
    const imported = await crypto.subtle.importKey('raw', point, ECDSA, false, ['verify']);
    return await crypto.subtle.verify(SIGNATURE, imported, given, bytes);
  } catch {
    return false; // not a point
  }
}

/** The keys of the two directions. Who does not know the link's secret has others. */
export async function sealingKeys(shared: Bytes, link: Bytes, transcript: Bytes): Promise<Record<Role, CryptoKey>> {
  const base = await crypto.subtle.importKey('raw', joined(shared, link), 'HKDF', false, ['deriveKey']);
  const derive = (role: Role) =>
    crypto.subtle.deriveKey(hkdf(transcript, `dialtone seal ${role}`), base, AES, false, ['encrypt', 'decrypt']);
  const [impolite, polite] = await Promise.all([derive('impolite'), derive('polite')]);
  return { impolite, polite };
}

/** The place a sealed message belongs to. */
export interface Place {
  readonly connection: string;
  readonly generation: number;
  readonly sender: Role;
  readonly kind: SealedKind;
}

/** Seals a text. A counter is never used twice with a key. */
export async function seal(key: CryptoKey, counter: number, place: Place, text: string): Promise<Bytes> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.encrypt(gcm(counter, place), key, bytes));
}

/** Opens what {@link seal} has made; null for anything else. */
export async function open(key: CryptoKey, counter: number, place: Place, data: Bytes): Promise<string | null> {
  try {
    return new TextDecoder().decode(await crypto.subtle.decrypt(gcm(counter, place), key, data));
  } catch {
    return null;
  }
}

function gcm(counter: number, { connection, generation, sender, kind }: Place): AesGcmParams {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setBigUint64(4, BigInt(counter));
  const additionalData = joined('dialtone sealed', connection, String(generation), sender, kind);
  return { name: 'AES-GCM', iv, additionalData };
}

function hkdf(salt: Bytes, info: string): HkdfParams {
  return { name: 'HKDF', hash: 'SHA-256', salt, info: new TextEncoder().encode(info) };
}

async function publicText(key: CryptoKey): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.exportKey('raw', key)));
}
