import { encodeMessage } from './bodies.ts';
import { consoleLog, systemClock, Timer, type Clock, type Log } from './clock.ts';
import { Listeners } from './emitter.ts';
import { randomId } from './ids.ts';
import { limits, type ErrorCode, type Joined, type MediaState, type RingEndReason } from './protocol.gen.ts';
import { RequestError } from './requests.ts';
import type { Signaling } from './signaling.ts';

/**
 * How it ended: as the server said, or refused, or without the server. `glare`: they were calling us,
 * and we sit in their call now.
 */
export type OutgoingEnd =
  | { readonly how: Exclude<RingEndReason, 'answered_elsewhere' | 'declined_elsewhere'> }
  | { readonly how: 'refused'; readonly code: ErrorCode; readonly message: string }
  | { readonly how: 'unreachable' }
  | { readonly how: 'glare'; readonly joined: Joined };

/** A ring of ours at one moment. */
export interface OutgoingSnapshot {
  /** `inviting` until the server has it, `offered` until a device rings. */
  readonly phase: 'idle' | 'inviting' | 'offered' | 'ringing' | 'over';
  readonly end: OutgoingEnd | null;
}

/** What {@link Outgoing} needs; everything with a default can be left out in a browser. */
export interface OutgoingOptions {
  signaling: Signaling;
  /** Whom to call. */
  to: string;
  /** Of a ring that goes on after the page was loaded again. */
  ring?: string;
  clock?: Clock;
  log?: Log;
}

/** The server ends every ring; one whose end is never heard of is given up a little later. */
const LONGEST_MS = 2 * limits.ring_ms + 10_000;

/** One attempt to ask a person into a call that is joined already. */
export class Outgoing {
  readonly ring: string;
  readonly #options: OutgoingOptions;
  readonly #signaling: Signaling;
  readonly #listeners: Listeners<[OutgoingSnapshot]>;
  readonly #expiry: Timer;
  readonly #abort = new AbortController();
  readonly #message = randomId();
  #unsubscribe: (() => void)[] = [];
  #invitation: { call: string; media: MediaState } = { call: '', media: { audio: false, video: false } };
  #asking = false;
  #snapshot: OutgoingSnapshot = { phase: 'idle', end: null };

  constructor(options: OutgoingOptions) {
    this.ring = options.ring ?? randomId();
    this.#options = options;
    this.#signaling = options.signaling;
    this.#listeners = new Listeners(options.log ?? consoleLog);
    this.#expiry = new Timer(options.clock ?? systemClock);
  }

  /** How it stands; another object after each change. */
  get snapshot(): OutgoingSnapshot {
    return this.#snapshot;
  }

  /** Hears every change; not called for the present state. */
  subscribe(listener: (snapshot: OutgoingSnapshot) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Asks the person into this call, which this device sits in, and says what it sends there. */
  start(call: string, media: MediaState): void {
    if (this.#snapshot.phase !== 'idle') return;
    this.#invitation = { call, media };
    this.#set({ phase: 'inviting', end: null });
    this.#expiry.set(LONGEST_MS, () => this.#expired());
    const mine = <M extends { ring: string }>(handle: (message: M) => void) => (message: M) => {
      if (message.ring === this.ring) handle(message);
    };
    this.#unsubscribe = [
      this.#signaling.on('ring_state', mine(({ phase }) => this.#stands(phase))),
      this.#signaling.on('ring_ended', mine(({ reason }) => this.#ended(reason))),
      this.#signaling.on('people', ({ outgoing }) => {
        const known = outgoing.find((each) => each.ring === this.ring);
        if (known) this.#stands(known.phase);
      }),
      // A repeat rings nobody twice, and brings back what the server has lost.
      this.#signaling.onReset(async () => void this.#invite()),
      this.#signaling.onState((state) => state === 'stopped' && this.#end({ how: 'unreachable' })),
    ];
    void this.#invite();
  }

  /** Somebody sits in the call, which may be known before the ring's own end. */
  answered(): void {
    this.#end({ how: 'accepted' });
  }

  /** The call this asks into is lost. */
  fail(): void {
    this.#end({ how: 'unreachable' });
  }

  /** Gives up. */
  cancel(): void {
    if (this.#snapshot.phase === 'over') return;
    const started = this.#snapshot.phase !== 'idle';
    this.#end({ how: 'cancelled' });
    // A socket may have carried the invite.
    if (started) this.#signaling.request({ t: 'cancel', ring: this.ring }).catch(() => undefined);
  }

  /**
   * Leaves a message beside the missed call, once. Rejects with {@link RequestError}; trying again
   * leaves no second one.
   */
  async leaveMessage(text: string): Promise<void> {
    const body = encodeMessage(text.trim());
    if (body === null) throw new RequestError('limit', 'The message is empty or too long.');
    await this.#signaling.request({ t: 'leave_message', ring: this.ring, chat: this.#message, body });
  }

  async #invite(): Promise<void> {
    // What is unanswered is sent again by itself.
    if (this.#asking) return;
    this.#asking = true;
    const { to } = this.#options;
    try {
      const invite = { t: 'invite', ring: this.ring, to, ...this.#invitation } as const;
      const answer = await this.#signaling.request(invite, { signal: this.#abort.signal });
      if (answer.t === 'joined') this.#crossed(answer);
      else if (this.#snapshot.phase === 'inviting') this.#set({ phase: 'offered', end: null });
    } catch (error) {
      this.#refused(error);
    } finally {
      this.#asking = false;
    }
  }

  /** They were calling us. Who has given up meanwhile is not in their call for that. */
  #crossed(joined: Joined): void {
    const wanted = this.#snapshot.phase !== 'over' || this.#signaling.entering(joined.room);
    if (!wanted) this.#signaling.request({ t: 'hangup', call: joined.call }).catch(() => undefined);
    this.#end({ how: 'glare', joined });
  }

  #refused(error: unknown): void {
    const { code, message } = error instanceof RequestError ? error : new RequestError('stopped', '');
    const local = code === 'stopped' || code === 'superseded' || code === 'withdrawn';
    this.#end(local ? { how: 'unreachable' } : { how: 'refused', code, message });
  }

  #stands(phase: 'offered' | 'ringing'): void {
    if (this.#snapshot.phase !== 'over' && this.#snapshot.phase !== 'ringing') this.#set({ phase, end: null });
  }

  #ended(reason: RingEndReason): void {
    // The other two are told to devices that were rung.
    if (reason !== 'answered_elsewhere' && reason !== 'declined_elsewhere') this.#end({ how: reason });
  }

  #expired(): void {
    this.#signaling.request({ t: 'cancel', ring: this.ring }).catch(() => undefined);
    this.#end({ how: 'no_answer' });
  }

  #end(end: OutgoingEnd): void {
    if (this.#snapshot.phase === 'over') return;
    for (const stop of this.#unsubscribe.splice(0)) stop();
    this.#expiry.clear();
    // Asked again when the server has forgotten the ring, it would ring a second time.
    this.#abort.abort();
    this.#set({ phase: 'over', end });
  }

  #set(snapshot: OutgoingSnapshot): void {
    this.#snapshot = snapshot;
    this.#listeners.emit(snapshot);
  }
}
