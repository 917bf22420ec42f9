import { toBase64Url } from '../ids.ts';
import { hash } from './crypto.ts';
import { bytesOf, type Note, type Role } from './wire.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Signs that are compared: each one of 256, 32 bits together. */
export const SIGNS = 4;

/**
 * Four numbers that two people compare by looking or by saying them. They are made of the handshake
 * and of a random number of each end. The impolite end is bound to its number before it learns the
 * other one, so nobody in between can try numbers until both sides look alike: one guess in 2³².
 */
export class Words {
  readonly #role: Role;
  readonly #transcript: Bytes;
  readonly #own: Bytes;
  #commitment: string | null = null;
  #theirs: Bytes | null = null;
  #signs: readonly number[] | null = null;

  constructor(role: Role, transcript: Bytes, own: Bytes = crypto.getRandomValues(new Uint8Array(16))) {
    this.#role = role;
    this.#transcript = transcript;
    this.#own = own;
  }

  /** Each from 0 to 255; null until both numbers are known. */
  get signs(): readonly number[] | null {
    return this.#signs;
  }

  /** What the other end has to be told now, also when it may have got lost before. */
  async say(): Promise<Note> {
    if (this.#role === 'impolite') {
      return this.#theirs ? { reveal: toBase64Url(this.#own) } : { commit: await this.#commit(this.#own) };
    }
    return this.#commitment === null ? {} : { nonce: toBase64Url(this.#own) };
  }

  /** Takes what the other end has told. `new`: it has to be answered. */
  async hear(note: Note): Promise<'new' | 'known' | 'wrong'> {
    if (this.#role === 'impolite') return note.nonce === undefined ? 'known' : this.#heardNumber(note.nonce);
    if (note.commit !== undefined) return this.#heardCommitment(note.commit);
    return note.reveal === undefined ? 'known' : this.#heardReveal(note.reveal);
  }

  #heardCommitment(commitment: string): 'new' | 'known' | 'wrong' {
    // Asked again: the answer may have got lost.
    if (this.#commitment !== null) return commitment === this.#commitment ? 'new' : 'wrong';
    this.#commitment = commitment;
    return 'new';
  }

  async #heardNumber(text: string): Promise<'new' | 'known' | 'wrong'> {
    const number = numberOf(text);
    if (!number || (this.#theirs && toBase64Url(this.#theirs) !== text)) return 'wrong';
    this.#theirs = number;
    this.#signs = await this.#make(this.#own, number);
    return 'new';
  }

  async #heardReveal(text: string): Promise<'known' | 'wrong'> {
    const number = numberOf(text);
    if (!number || (await this.#commit(number)) !== this.#commitment) return 'wrong';
    this.#signs ??= await this.#make(number, this.#own);
    return 'known';
  }

  async #commit(number: Bytes): Promise<string> {
    return toBase64Url(await hash('dialtone words commitment', this.#transcript, number));
  }

  async #make(impolite: Bytes, polite: Bytes): Promise<readonly number[]> {
    const digest = await hash('dialtone words', this.#transcript, impolite, polite);
    return [...digest.slice(0, SIGNS)];
  }
}

function numberOf(text: string): Bytes | null {
  const bytes = bytesOf(text);
  return bytes?.length === 16 ? bytes : null;
}
