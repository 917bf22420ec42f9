import { systemClock, type Clock } from './clock.ts';
import { fromBase64Url, toBase64Url } from './ids.ts';
import type { DeviceProof } from './protocol.gen.ts';

/** A place for short texts; `Storage` of a browser is one. */
export interface StringStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** What can prove which device it is. */
export interface Prover {
  /** The public key: uncompressed point, base64url. */
  readonly key: string;
  /** A signature over `text`, with the public key to check it by. */
  proof(text: string): Promise<DeviceProof>;
}

/** How {@link DeviceKey.load} behaves. */
export interface DeviceOptions {
  /**
   * Claims a name for as long as this page lives; false when another living page holds it.
   * A duplicated tab starts with a copy of the storage and must not be the same device.
   */
  claim?: (name: string) => Promise<boolean>;
  /** Where in the storage the key is kept. */
  storageKey?: string;
  /** Time for the short waits between claims. */
  clock?: Clock;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;

/**
 * A page that is loaded again may ask before the claim of its predecessor has been given up, and
 * taking it for a copy would cost the seat in the call. More tries would only delay duplicated tabs.
 */
const CLAIM_TRIES = 4;
const CLAIM_PAUSE_MS = 60;

/** The key pair that makes this page a device. */
export class DeviceKey implements Prover {
  /** The public key: uncompressed point, base64url. */
  readonly key: string;
  readonly #private: CryptoKey;

  private constructor(key: string, privateKey: CryptoKey) {
    this.key = key;
    this.#private = privateKey;
  }

  /** The device kept in `storage`, or a new one that is kept there from now on. */
  static async load(storage: StringStorage, options: DeviceOptions = {}): Promise<DeviceKey> {
    const storageKey = options.storageKey ?? 'dialtone.device';
    const stored = await DeviceKey.#read(storage, storageKey);
    if (stored && (await claimed(stored.key, options))) return stored;
    const jwk = await newJwk();
    write(storage, storageKey, JSON.stringify(jwk));
    const fresh = await DeviceKey.#fromJwk(jwk);
    await options.claim?.(claimName(fresh.key));
    return fresh;
  }

  /** A new device that is kept nowhere. */
  static async create(): Promise<DeviceKey> {
    return DeviceKey.#fromJwk(await newJwk());
  }

  async proof(text: string): Promise<DeviceProof> {
    const bytes = new TextEncoder().encode(text);
    const signature = await crypto.subtle.sign(SIGNATURE, this.#private, bytes);
    return { key: this.key, signature: toBase64Url(new Uint8Array(signature)) };
  }

  static async #read(storage: StringStorage, key: string): Promise<DeviceKey | null> {
    try {
      const text = storage.getItem(key);
      return text === null ? null : await DeviceKey.#fromJwk(JSON.parse(text) as JsonWebKey);
    } catch {
      return null; // damaged, or storage is forbidden: a new device is as good
    }
  }

  static async #fromJwk(jwk: JsonWebKey): Promise<DeviceKey> {
    const x = fromBase64Url(jwk.x ?? '');
    const y = fromBase64Url(jwk.y ?? '');
    if (x.length !== 32 || y.length !== 32) throw new TypeError('not a P-256 key');
    const privateKey = await crypto.subtle.importKey('jwk', jwk, ALGORITHM, false, ['sign']);
    return new DeviceKey(toBase64Url(Uint8Array.of(4, ...x, ...y)), privateKey);
  }
}

async function newJwk(): Promise<JsonWebKey> {
  const pair = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  return crypto.subtle.exportKey('jwk', pair.privateKey);
}

function claimName(key: string): string {
  return `dialtone.device.${key}`;
}

async function claimed(key: string, options: DeviceOptions): Promise<boolean> {
  if (!options.claim) return true;
  const clock = options.clock ?? systemClock;
  for (let tries = 1; ; tries += 1) {
    if (await options.claim(claimName(key))) return true;
    if (tries === CLAIM_TRIES) return false;
    await new Promise<void>((resolve) => clock.setTimeout(resolve, CLAIM_PAUSE_MS));
  }
}

function write(storage: StringStorage, key: string, value: string): void {
  try {
    storage.setItem(key, value);
  } catch {
    // Full or forbidden: the device lives as long as the page does.
  }
}
