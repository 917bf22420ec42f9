import type { Log } from '../clock.ts';
import type { StringStorage } from '../device.ts';
import { toBase64Url } from '../ids.ts';
import { limits, type ChatFrom } from '../protocol.gen.ts';
import { joined } from './crypto.ts';
import { bytesOf } from './wire.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * How somebody's lines come: `sealed`, or `plain` from an end that does not seal; `undecided` until the
 * handshake says it; `absent` for somebody who is not in the call.
 */
export type Speech = 'sealed' | 'plain' | 'undecided' | 'absent';

/** What a {@link ChatSeal} needs. */
export interface ChatSealOptions {
  /** Keeps this end's key, so that a page that is loaded again reads what it has written. */
  storage: StringStorage | undefined;
  log: Log;
  /** How this participant speaks. */
  speech(participant: string): Speech;
  /** How all the others together do: `plain` as soon as one of them cannot open what is sealed. */
  others(): Speech;
  /** A line in its turn, with its body opened. */
  deliver(message: ChatFrom, mine: boolean): void;
}

const AES = 'AES-GCM';
const KEY_BYTES = 32;
const IV_BYTES = 12;
/** Lines that may wait for the key of who has written them. */
const LONGEST_QUEUE = 2 * limits.chat_backlog;

/**
 * Seals the lines of a chat. Each participant has a key for all it writes in a call, and gives it to the
 * others through their connections: so a page that is loaded again, whose connections are new, can still
 * read what was said before. Lines stay in their order, also while the first of them waits for a key.
 */
export class ChatSeal {
  readonly #options: ChatSealOptions;
  readonly #keys = new Map<string, string>();
  #call = '';
  #me = '';
  #queue: { message: ChatFrom; mine: boolean }[] = [];
  #draining = false;
  #again = false;

  constructor(options: ChatSealOptions) {
    this.#options = options;
  }

  /** This end's key, for those whose lines it reads; empty before it has joined. */
  get key(): string {
    return this.#keys.get(this.#me) ?? '';
  }

  /** This end sits in that call. */
  joined(call: string, me: string): void {
    if (this.#call === call && this.#me === me) return;
    const key = this.key || this.#recall(call) || toBase64Url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
    [this.#call, this.#me] = [call, me];
    this.#keys.set(me, key);
    this.#try((storage) => storage.setItem(place(call), key));
  }

  /** The call is over. */
  forget(): void {
    if (this.#call) this.#try((storage) => storage.removeItem(place(this.#call)));
    this.#queue = [];
  }

  /** Somebody's key, told by themselves. */
  learn(participant: string, key: string): void {
    if (participant === this.#me || bytesOf(key)?.length !== KEY_BYTES) return;
    this.#keys.set(participant, key);
    this.drain();
  }

  /** The body of a line of ours. */
  async seal(chat: string, body: string): Promise<string> {
    if (this.#options.others() === 'plain') return body;
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const key = await importKey(this.key);
    const sealed = await crypto.subtle.encrypt(this.#gcm(iv, this.#me, chat), key, new TextEncoder().encode(body));
    return JSON.stringify({ dialtone: 'chat', data: toBase64Url(Uint8Array.of(...iv, ...new Uint8Array(sealed))) });
  }

  /** Takes a line; it is delivered when it can be opened, and never if it cannot be. */
  received(message: ChatFrom, mine: boolean): void {
    if (this.#queue.length >= LONGEST_QUEUE) return;
    this.#queue.push({ message, mine });
    this.drain();
  }

  /** Goes on with what waits: something may be known now that was not. */
  drain(): void {
    this.#again = true;
    if (!this.#draining) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    while (this.#again) {
      this.#again = false;
      await this.#deliver();
    }
    this.#draining = false;
  }

  async #deliver(): Promise<void> {
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      const body = await this.#open(next.message, next.mine);
      if (body === 'wait') return;
      // Emptied meanwhile: the call is over.
      if (this.#queue[0] !== next) continue;
      this.#queue.shift();
      if (body) this.#options.deliver({ ...next.message, body: body.text }, next.mine);
      else this.#options.log('a chat message could not be opened, and is not shown');
    }
  }

  async #open(message: ChatFrom, mine: boolean): Promise<{ text: string } | 'wait' | null> {
    const data = sealedData(message.body);
    const speech = mine ? this.#options.others() : this.#options.speech(message.from);
    if (!data) return speech === 'undecided' ? 'wait' : speech === 'plain' ? { text: message.body } : null;
    const key = this.#keys.get(message.from);
    if (key === undefined) return speech === 'undecided' || speech === 'sealed' ? 'wait' : null;
    const iv = data.slice(0, IV_BYTES);
    try {
      const opened = await crypto.subtle.decrypt(
        this.#gcm(iv, message.from, message.chat),
        await importKey(key),
        data.slice(IV_BYTES),
      );
      return { text: new TextDecoder().decode(opened) };
    } catch {
      return null;
    }
  }

  #gcm(iv: Bytes, sender: string, chat: string): AesGcmParams {
    return { name: AES, iv, additionalData: joined('dialtone chat', this.#call, sender, chat) };
  }

  #recall(call: string): string {
    const key = this.#try((storage) => storage.getItem(place(call))) ?? '';
    return bytesOf(key)?.length === KEY_BYTES ? key : '';
  }

  #try<Result>(use: (storage: StringStorage) => Result): Result | null {
    try {
      return this.#options.storage ? use(this.#options.storage) : null;
    } catch {
      return null; // full or forbidden: what was said before a reload is not shown after it
    }
  }
}

function place(call: string): string {
  return `dialtone.chat.${call}`;
}

function importKey(key: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytesOf(key) ?? new Uint8Array(), AES, false, ['encrypt', 'decrypt']);
}

/** What was sealed; null for a line that was not. */
function sealedData(body: unknown): Bytes | null {
  if (typeof body !== 'string' || body.length > limits.chat_bytes) return null;
  try {
    const { dialtone, data } = JSON.parse(body) as { dialtone?: unknown; data?: unknown };
    return dialtone === 'chat' && typeof data === 'string' ? bytesOf(data) : null;
  } catch {
    return null;
  }
}
