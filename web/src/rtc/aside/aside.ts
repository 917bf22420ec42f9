import { Timer, type Clock, type Log } from '../clock.ts';
import { randomId } from '../ids.ts';
import { Bucket } from './bucket.ts';
import { Files, type FileLine, type Part } from './files.ts';
import { encodePart, encodeSaid, MAX_FILE_BYTES, readPart, readSaid, type Reaction, type Said } from './wire.ts';

/**
 * Whether files and reactions can go to the other end. `closed`: nobody is connected. `asking`: it has not
 * said yet that it knows them; `absent`: nor will it, as it seems. `broken`: it said what no honest end says.
 */
export type AsideState = 'closed' | 'asking' | 'ready' | 'absent' | 'broken';

/** A reaction that was shown. */
export interface Reacted {
  readonly id: string;
  readonly mine: boolean;
  readonly reaction: Reaction;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/** Files and reactions at one moment. */
export interface AsideSnapshot {
  readonly state: AsideState;
  readonly files: readonly FileLine[];
  /** The newest, oldest of them first. */
  readonly reactions: readonly Reacted[];
}

/** Why a file is not offered. */
export type FileRefusal = 'empty' | 'too_large' | 'too_many' | 'unavailable';

/** What an {@link Aside} needs. */
export interface AsideOptions {
  clock: Clock;
  log: Log;
  /** Whether sound and picture suffer: then files go slowly. */
  poor(): boolean;
  changed(): void;
}

/** Both ends make the channel by themselves, as that of the heartbeat. */
const CHANNEL: RTCDataChannelInit = { negotiated: true, id: 1 };
/** An end that has said nothing for so long after the channel opened knows none of this. */
const ASKING_MS = 5_000;
/** So much waits in the channel; then less, and more is read. Larger is no faster, and later cancelled. */
const HIGH_BYTES = 131_072;
const LOW_BYTES = 32_768;
/** While the call suffers, one part goes in this time: 256 kbit/s. */
const SLOW_MS = 500;
/** How often progress is told. */
const PROGRESS_MS = 150;
/** Reactions that are kept. */
const MOST_REACTIONS = 8;
/** Reactions of a person: at once, and a second. The other end's may be bunched up on their way. */
const OWN_REACTIONS = [4, 1] as const;
const THEIR_REACTIONS = [8, 1.5] as const;
/** Messages of the other end, without parts: what an honest one never says so many of. */
const MESSAGES = [200, 20] as const;

/** Makes the channel: before the first description, so that it is part of that. */
export function openAside(pc: RTCPeerConnection): RTCDataChannel {
  return pc.createDataChannel('aside', CHANNEL);
}

/**
 * Files and reactions, over a data channel from end to end. A file goes on when the path was lost for a while;
 * when the channel itself ends, with a reload of either page, what was under way has failed, and can be
 * offered again.
 */
export class Aside {
  readonly #options: AsideOptions;
  readonly #files = new Files();
  readonly #asking: Timer;
  readonly #slow: Timer;
  readonly #progress: Timer;
  /** Ours, as long as they may be sent. */
  readonly #sources = new Map<string, File>();
  /** Theirs, as far as they have come; and whole ones. */
  readonly #parts = new Map<string, ArrayBuffer[]>();
  readonly #whole = new Map<string, Blob>();
  readonly #own = new Bucket(...OWN_REACTIONS);
  #channel: RTCDataChannel | null = null;
  #state: AsideState = 'closed';
  #messages = new Bucket(...MESSAGES);
  #their = new Bucket(...THEIR_REACTIONS);
  #reactions: readonly Reacted[] = [];
  #pumping = false;

  constructor(options: AsideOptions) {
    this.#options = options;
    this.#asking = new Timer(options.clock);
    this.#slow = new Timer(options.clock);
    this.#progress = new Timer(options.clock);
  }

  /** How it stands; another object each time. */
  get snapshot(): AsideSnapshot {
    return { state: this.#state, files: this.#files.lines, reactions: this.#reactions };
  }

  /** Another connection's channel takes the place of the one before. */
  attach(channel: RTCDataChannel): void {
    if (this.#channel) this.#over('closed');
    this.#channel = channel;
    this.#messages = new Bucket(...MESSAGES);
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = LOW_BYTES;
    const mine = (handle: (event: MessageEvent<unknown>) => void) => (event: Event) => {
      if (this.#channel === channel) handle(event as MessageEvent<unknown>);
    };
    channel.addEventListener('open', mine(() => this.#opened()));
    channel.addEventListener('message', mine(({ data }) => this.#message(data)));
    channel.addEventListener('bufferedamountlow', mine(() => void this.#pump()));
    channel.addEventListener('close', mine(() => this.#over('closed')));
  }

  /** That connection is closed. */
  detach(channel: RTCDataChannel): void {
    if (this.#channel === channel) this.#over('closed');
  }

  /** Offers a file of this person's. Nothing of it is sent before the other one accepts. */
  send(file: File): FileRefusal | null {
    if (this.#state !== 'ready') return 'unavailable';
    if (file.size === 0) return 'empty';
    if (file.size > MAX_FILE_BYTES) return 'too_large';
    const id = randomId();
    const said = this.#files.offer(id, file.name, file.size, this.#options.clock.now());
    if (!said) return 'too_many';
    this.#sources.set(id, file);
    this.#say(said);
    return null;
  }

  /** Offers a file of ours that has failed once more. */
  again(id: string): FileRefusal | null {
    const file = this.#sources.get(id);
    return file ? this.send(file) : 'unavailable';
  }

  /** Whether that can be asked for. */
  canAgain(id: string): boolean {
    return this.#state === 'ready' && this.#sources.has(id);
  }

  /** Accepts or declines what the other one offers. */
  answer(id: string, accept: boolean): void {
    this.#say(this.#files.answer(id, accept));
  }

  /** Stops a file, whoever sends it. */
  cancel(id: string): void {
    this.#say(this.#files.cancel(id));
  }

  /** A file that has come, as bytes that no browser opens by itself; null for any other. */
  content(id: string): Blob | null {
    return this.#whole.get(id) ?? null;
  }

  /** Shows a reaction at both ends; false when that were too many, or there is nobody to see it. */
  react(reaction: Reaction): boolean {
    if (this.#state !== 'ready' || !this.#own.take(this.#options.clock.now())) return false;
    this.#reacted(reaction, true);
    this.#say([{ t: 'reaction', reaction }]);
    return true;
  }

  #opened(): void {
    this.#state = 'asking';
    this.#asking.set(ASKING_MS, () => this.#become('absent'));
    this.#say([{ t: 'hello' }]);
  }

  #message(data: unknown): void {
    const fine = typeof data === 'string' ? this.#heard(data) : data instanceof ArrayBuffer && this.#part(data);
    if (fine) return;
    this.#options.log('the other end said what it should not; no files and reactions any more');
    const channel = this.#channel;
    this.#over('broken');
    channel?.close();
  }

  /** False when no honest end says that. */
  #heard(text: string): boolean {
    const { clock } = this.#options;
    const said = readSaid(text);
    if (!said || !this.#messages.take(clock.now())) return false;
    if (said === 'unknown') return true;
    if (this.#state !== 'ready') return said.t === 'hello' && this.#ready();
    if (said.t === 'reaction') {
      // So that nobody's screen flickers. The sender holds back as well.
      if (this.#their.take(clock.now())) this.#reacted(said.reaction, false);
      return true;
    }
    const answer = this.#files.heard(said, randomId(), clock.now());
    if (answer) this.#say(answer);
    return answer !== null;
  }

  #ready(): boolean {
    this.#asking.clear();
    this.#state = 'ready';
    this.#say(this.#files.opened());
    return true;
  }

  #part(data: ArrayBuffer): boolean {
    const part = readPart(data);
    if (!part || this.#state !== 'ready') return false;
    const { id, verdict } = this.#files.part(part.file, part.content.byteLength);
    if (verdict === 'wrong') return false;
    if (verdict === 'late') return true;
    const parts = this.#parts.get(id) ?? [];
    parts.push(part.content);
    this.#parts.set(id, parts);
    if (verdict === 'take') this.#progressed();
    else this.#got(id, part.file, parts);
    return true;
  }

  #got(id: string, file: number, parts: ArrayBuffer[]): void {
    this.#parts.delete(id);
    this.#whole.set(id, new Blob(parts, { type: 'application/octet-stream' }));
    this.#say([{ t: 'got', file }]);
  }

  #reacted(reaction: Reaction, mine: boolean): void {
    const one = { id: randomId(), mine, reaction, atMs: this.#options.clock.now() };
    this.#reactions = [...this.#reactions, one].slice(-MOST_REACTIONS);
    this.#options.changed();
  }

  #say(all: readonly Said[]): void {
    for (const said of all) this.#attempt((channel) => channel.send(encodeSaid(said)));
    this.#tidy();
    this.#options.changed();
    void this.#pump();
  }

  /** Sends parts as long as the channel takes them. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (await this.#sendNext());
    this.#pumping = false;
  }

  /** Sends the next part; false when there is none, or it has to wait for something that pumps again. */
  async #sendNext(): Promise<boolean> {
    const part = this.#files.next;
    const source = part && this.#sources.get(part.id);
    if (!part || !source || this.#slow.running) return false;
    if (this.#channel?.readyState !== 'open' || this.#channel.bufferedAmount > HIGH_BYTES) return false;
    const content = await contentOf(source, part);
    // Cancelled meanwhile, or of another channel.
    const { next } = this.#files;
    if (next?.id !== part.id || next.file !== part.file || next.offset !== part.offset) return true;
    if (!content) {
      this.#say(this.#files.unreadable(part.id));
      return true;
    }
    if (!this.#attempt((channel) => channel.send(encodePart(part.file, content)))) return false;
    this.#files.sent(part);
    this.#progressed();
    if (this.#options.poor()) this.#slow.set(SLOW_MS, () => void this.#pump());
    return true;
  }

  #progressed(): void {
    if (!this.#progress.running) this.#progress.set(PROGRESS_MS, () => this.#options.changed());
  }

  #attempt(say: (channel: RTCDataChannel) => void): boolean {
    const channel = this.#channel;
    if (channel?.readyState !== 'open') return false;
    try {
      say(channel);
      return true;
    } catch (error) {
      this.#options.log('the channel for files took nothing', error);
      return false;
    }
  }

  #become(state: AsideState): void {
    this.#state = state;
    this.#options.changed();
  }

  #over(state: AsideState): void {
    this.#asking.clear();
    this.#slow.clear();
    this.#progress.clear();
    this.#channel = null;
    this.#files.closed();
    this.#tidy();
    this.#become(state);
  }

  /** Keeps no content that nobody needs any more. */
  #tidy(): void {
    for (const { id, state } of this.#files.lines) {
      if (state !== 'moving') this.#parts.delete(id);
      if (!['queued', 'offered', 'moving', 'failed'].includes(state)) this.#sources.delete(id);
    }
  }
}

/** Null when it cannot be read: it was moved or changed since it was chosen. */
async function contentOf(source: File, { offset, length }: Part): Promise<ArrayBuffer | null> {
  const content = await source.slice(offset, offset + length).arrayBuffer().catch(() => null);
  return content?.byteLength === length ? content : null;
}
