import type { SendCandidates } from '../candidates.ts';
import { Timer, type Clock, type Log } from '../clock.ts';
import { limits } from '../protocol.gen.ts';
import { randomId } from '../ids.ts';
import {
  joined,
  open,
  seal,
  sealingKeys,
  transcriptHash,
  verify,
  type Ephemeral,
  type Place,
  type SigningKey,
} from './crypto.ts';
import { Handshake, type Distrust, type Step } from './handshake.ts';
import { encodeHello, encodeSealed, readNote, VERSION, type Hello, type Note, type Role } from './wire.ts';
import { Words } from './words.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** An end that has said nothing for so long, while the server could be reached, does not seal. */
export const SILENCE_MS = 5_000;
/** Messages that may wait for their turn; an honest end has a few on the way. */
const LONGEST_QUEUE = 128;

/** What is known about the other end of a connection. */
export interface Trust {
  /** Whether what is said is sealed; null while that is not known. */
  readonly sealed: boolean | null;
  /** It has proven that it knows the secret of the link. */
  readonly byLink: boolean;
  /** Its signing key, once it has signed with it; null before. */
  readonly key: string | null;
  /** The account it says it is of; empty for a guest. */
  readonly user: string;
  /** Four numbers from 0 to 255 to compare; null until they are known. */
  readonly signs: readonly number[] | null;
  /** Messages that somebody has altered on their way, and that were ignored. */
  readonly altered: number;
}

/** What this end is in one connection. */
export interface Own {
  readonly ephemeral: Ephemeral;
  readonly signing: SigningKey;
  /** Of the link's secret; empty without one. */
  readonly linkKey: Bytes;
  readonly user: string;
  /** The key of this end's chat lines, which the other one is given. */
  readonly chat: string;
}

/** What a {@link Channel} needs. */
export interface ChannelOptions {
  readonly role: Role;
  readonly room: string;
  readonly call: string;
  readonly connection: string;
  /** The participants, this end's first. */
  readonly participants: readonly [string, string];
  readonly generation: number;
  /** This end came by a link with a secret. */
  readonly link: boolean;
  /** The other end is known to seal. */
  readonly sealing: boolean;
  /** What this end is; a promise where that is still being made. */
  own(): Own | Promise<Own>;
  /** Resolves when the server has it; `gone` when it was of an old generation. */
  sendDescription(generation: number, body: string): Promise<string | null>;
  sendCandidates: SendCandidates;
  /** What the other end has said, opened. */
  description(generation: number, body: string): void;
  candidates(generation: number, bodies: string[], end: boolean): void;
  /** The key of the other end's chat lines. */
  chat(key: string): void;
  /** Whether the connection was up at any time. */
  wasUp(): boolean;
  /** Whether the server can be reached now. */
  ready(): boolean;
  changed(): void;
  refused(why: Distrust): void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the keys of a connection are used with. */
interface Sealing {
  readonly mine: CryptoKey;
  readonly theirs: CryptoKey;
  readonly transcript: Bytes;
  readonly words: Words;
}

/**
 * What is between a connection and the server: a handshake, then seals. Descriptions and candidates
 * go in and come out as they are; on the way nobody can read, alter, repeat or move them unnoticed.
 * What goes out before the keys are made waits for them.
 */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #handshake: Handshake;
  readonly #silence: Timer;
  #generation: number;
  #own: Own | null = null;
  #hello = '';
  #theirs: Hello | null = null;
  #sealing: Sealing | null = null;
  #sent = 0;
  #opened = 0;
  #key: string | null = null;
  #altered = 0;
  /** Something of ours that the other end has to know may not have reached it. */
  #lost = false;
  /** {@link trust} is another one: said once the message that made it so is passed on, which waits for nobody's drawing. */
  #news = false;
  #closed = false;
  #incoming: Promise<void> = Promise.resolve();
  #waiting = 0;
  #outgoing: Promise<void>;
  #decided: () => void = () => undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#generation = options.generation;
    this.#handshake = new Handshake(options);
    this.#silence = new Timer(options.clock);
    this.#outgoing = new Promise((resolve) => (this.#decided = resolve));
  }

  /** How it stands; another object after each change. */
  get trust(): Trust {
    const { proven, phase } = this.#handshake;
    return {
      sealed: proven ? true : phase === 'plain' ? false : null,
      byLink: proven && this.#options.link,
      key: this.#key,
      user: this.#key === null ? '' : (this.#theirs?.user ?? ''),
      signs: this.#sealing?.words.signs ?? null,
      altered: this.#altered,
    };
  }

  /** Says hello. */
  start(): void {
    this.#listenToSilence();
    this.#enqueue(async () => {
      const own = this.#options.own();
      // Awaiting what is there already would let a page that draws itself go first.
      this.#own = own instanceof Promise ? await own : own;
      const { ephemeral, signing, user } = this.#own;
      const { role, link } = this.#options;
      const keys = { ephemeral: ephemeral.public, signing: signing.public };
      this.#hello = encodeHello({ v: VERSION, role, ...keys, nonce: randomId(), link, user });
      this.#post(this.#hello);
      await this.#take(this.#handshake.begin());
    });
  }

  /** Sends a description of ours. Resolves when it has left. */
  sendDescription(generation: number, body: string): Promise<void> {
    this.known(generation);
    return this.#outgoingNext(async () => {
      if (!this.#sealing) return void this.#options.sendDescription(generation, body);
      const { type, sdp } = JSON.parse(body) as { type: string; sdp: string };
      const signed = signedBytes(this.#sealing.transcript, this.#options.role, generation, type, sdp);
      const signature = await this.#own!.signing.sign(signed);
      await this.#say(generation, { description: { type, sdp }, signature });
    });
  }

  /** Sends candidates of ours. */
  sendCandidates(generation: number, candidates: string[], end: boolean): void {
    void this.#outgoingNext(async () => {
      const bodies = this.#sealing
        ? await Promise.all(candidates.map((each) => this.#seal(generation, 'candidate', each)))
        : candidates;
      const whole = bodies.filter((body) => body.length <= limits.candidate_bytes);
      if (whole.length > 0 || end) this.#options.sendCandidates(generation, whole, end);
    });
  }

  /** Takes what came in a description's place. */
  received(generation: number, body: unknown): void {
    this.#enqueue(async () => {
      const step = this.#handshake.description(body);
      if (step.do === 'take') this.#options.description(generation, body as string);
      const text = step.do === 'open' ? await this.#open(generation, 'description', step) : null;
      if (text === null) return this.#take(step);
      await this.#heard(generation, readNote(text));
    });
  }

  /** Takes candidates of the other end. */
  receivedCandidates(generation: number, bodies: unknown, end: boolean): void {
    if (!Array.isArray(bodies)) return;
    this.#enqueue(async () => {
      const opened: string[] = [];
      for (const body of bodies.slice(0, limits.candidates) as unknown[]) {
        const step = this.#handshake.candidate(body);
        const text = step.do === 'open' ? await this.#open(generation, 'candidate', step) : null;
        if (step.do === 'take') opened.push(body as string);
        else if (text !== null) opened.push(text);
        else await this.#take(step);
      }
      // An end of candidates alone is nobody's: it can stop nothing that a lost message would not.
      if (opened.length > 0 || (end && bodies.length === 0)) this.#options.candidates(generation, opened, end);
    });
  }

  /** A generation is known to have begun; the server drops what is of older ones. */
  known(generation: number): void {
    if (!(generation > this.#generation)) return;
    this.#generation = generation;
    if (this.#lost || !this.#handshake.proven) this.recover();
  }

  /** What was said may have got lost: says it again. */
  recover(): void {
    this.#lost = false;
    if (this.#hello !== '' && !this.#handshake.proven) this.#post(this.#hello);
    if (this.#sealing) this.#tell();
  }

  /** Says and takes nothing any more. */
  close(): void {
    this.#closed = true;
    this.#silence.clear();
  }

  #listenToSilence(): void {
    this.#silence.set(SILENCE_MS, () => {
      if (!this.#options.ready()) return this.#listenToSilence();
      this.#enqueue(() => this.#take(this.#handshake.silence()));
    });
  }

  async #take(step: Step): Promise<void> {
    if (step.do === 'agree') await this.#agree(step.theirs, step.text);
    if (step.do === 'alarm') this.#alarm();
    if (step.do === 'refuse') this.#refuse(step.why);
    if (step.do === 'take' || step.do === 'go_plain') this.#goPlain();
  }

  async #agree(theirs: Hello, text: string): Promise<void> {
    const { role, room, call, connection } = this.#options;
    const { ephemeral, linkKey } = this.#own!;
    const inOrder = <Value>(mine: Value, other: Value): [Value, Value] =>
      role === 'impolite' ? [mine, other] : [other, mine];
    const [shared, transcript] = await Promise.all([
      ephemeral.shared(theirs.ephemeral).catch(() => null),
      transcriptHash({
        room,
        call,
        connection,
        participants: inOrder(...this.#options.participants),
        hellos: inOrder(this.#hello, text),
      }),
    ]);
    if (!shared) return this.#refuse('unproven');
    const keys = await sealingKeys(shared, linkKey, transcript);
    const [mine, other] = role === 'impolite' ? [keys.impolite, keys.polite] : [keys.polite, keys.impolite];
    this.#theirs = theirs;
    this.#sealing = { mine, theirs: other, transcript, words: new Words(role, transcript) };
    this.#silence.clear();
    this.#tell();
    this.#decided();
  }

  #goPlain(): void {
    if (this.#handshake.phase !== 'plain') return;
    this.#sealing = null;
    this.#silence.clear();
    this.#decided();
    this.#options.changed();
  }

  /** What both ends must know besides descriptions; repeated when it may have got lost. */
  #tell(): void {
    void this.#outgoingNext(async () => {
      if (!this.#sealing) return;
      const note: Note = { chat: this.#own!.chat, ...(await this.#sealing.words.say()) };
      await this.#say(this.#generation, note);
    });
  }

  async #heard(generation: number, note: Note): Promise<void> {
    this.known(generation);
    if (note.description) await this.#heardDescription(generation, note.description, note.signature ?? '');
    if (note.chat !== undefined) this.#options.chat(note.chat);
    const words = this.#sealing?.words;
    const before = words?.signs;
    const heard = (await words?.hear(note)) ?? 'known';
    if (heard === 'new') this.#tell();
    if (heard === 'wrong') this.#alarm();
    if (words?.signs !== before) this.#options.changed();
  }

  async #heardDescription(generation: number, { type, sdp }: { type: string; sdp: string }, signature: string): Promise<void> {
    const { transcript } = this.#sealing!;
    const sender = this.#theirs!.role;
    const signed = signedBytes(transcript, sender, generation, type, sdp);
    if (!(await verify(this.#theirs!.signing, signed, signature))) return this.#alarm();
    if (this.#key === null) {
      this.#key = this.#theirs!.signing;
      this.#news = true;
    }
    if (!this.#closed) this.#options.description(generation, JSON.stringify({ type, sdp }));
  }

  async #open(
    generation: number,
    kind: Place['kind'],
    { counter, data }: Extract<Step, { do: 'open' }>,
  ): Promise<string | null> {
    // Repeated by a server that was restarted, or by somebody who tries: it was heard already.
    if (counter <= this.#opened) return this.#options.log('a repeated message was ignored', counter), null;
    const { connection } = this.#options;
    const place: Place = { connection, generation, sender: this.#theirs!.role, kind };
    const text = await open(this.#sealing!.theirs, counter, place, data);
    if (text === null) {
      this.#alarm();
      return null;
    }
    this.#opened = counter;
    if (!this.#handshake.proven) {
      this.#handshake.opened();
      this.#news = true;
    }
    return text;
  }

  /** Something is not what the other end has sent. Where nothing is up yet, nothing will be. */
  #alarm(): void {
    if (!this.#handshake.proven) return this.#refuse('unproven');
    if (!this.#options.wasUp()) return this.#refuse('altered');
    this.#altered += 1;
    this.#options.changed();
  }

  #refuse(why: Distrust): void {
    if (this.#closed) return;
    this.#handshake.refuse(why);
    this.close();
    this.#options.refused(why);
  }

  async #say(generation: number, note: Note): Promise<void> {
    const body = await this.#seal(generation, 'description', JSON.stringify(note));
    if (body.length > limits.description_bytes) return this.#options.log('a description is too long', body.length);
    this.#post(body, generation, !note.description);
  }

  #post(body: string, generation = this.#generation, again = true): void {
    void this.#options.sendDescription(generation, body).then((refusal) => {
      if (refusal !== 'gone' || !again) return;
      this.#lost = true;
      if (this.#generation > generation) this.recover();
    });
  }

  async #seal(generation: number, kind: Place['kind'], text: string): Promise<string> {
    const { connection, role } = this.#options;
    this.#sent += 1;
    const counter = this.#sent;
    const data = await seal(this.#sealing!.mine, counter, { connection, generation, sender: role, kind }, text);
    return encodeSealed(counter, data);
  }

  /** What is ours goes out in order, once it is known how. */
  #outgoingNext(step: () => Promise<void>): Promise<void> {
    return (this.#outgoing = this.#outgoing.then(() => this.#attempt(step)));
  }

  #enqueue(step: () => Promise<void>): void {
    if (this.#closed || this.#waiting >= LONGEST_QUEUE) return;
    this.#waiting += 1;
    this.#incoming = this.#incoming.then(async () => {
      this.#waiting -= 1;
      await this.#attempt(step);
      if (!this.#news || this.#closed) return;
      this.#news = false;
      this.#options.changed();
    });
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      if (!this.#closed) await step();
    } catch (error) {
      if (!this.#closed) this.#options.log('a message of the other end could not be handled', error);
    }
  }
}

/** What a signature of a description is over: all of it, its fingerprints among the rest. */
function signedBytes(transcript: Bytes, role: Role, generation: number, type: string, sdp: string): Bytes {
  return joined('dialtone description', transcript, role, String(generation), type, sdp);
}
