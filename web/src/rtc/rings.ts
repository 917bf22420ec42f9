import { consoleLog, systemClock, Timer, type Clock, type Log } from './clock.ts';
import { Listeners } from './emitter.ts';
import { limits, type ClientMessage, type RingEndReason, type RingOffer } from './protocol.gen.ts';
import { RequestError } from './requests.ts';
import type { Signaling } from './signaling.ts';

/** Somebody calls. */
export interface IncomingRing extends Readonly<RingOffer> {
  /** `ignored`: silent on this device; it can still be answered. `answering`: it is being. */
  readonly stage: 'ringing' | 'ignored' | 'answering';
}

/** What rings here at one moment. */
export interface RingsSnapshot {
  /** Those that are not over, the oldest first. */
  readonly rings: readonly IncomingRing[];
  /** Whether it is certain that they ring still: only then may anything sound. */
  readonly certain: boolean;
}

/** Why a ring is over here; `unknown`: the server does not know it any more, or was not heard of. */
export type RingOver = RingEndReason | 'unknown';

/** What {@link Rings} needs; everything with a default can be left out in a browser. */
export interface RingsOptions {
  signaling: Signaling;
  /** Whether this device could take another call now. One that cannot says `busy`. */
  canTake(): boolean;
  clock?: Clock;
  log?: Log;
}

/** The server ends every ring; one it cannot be heard about is given up after the longest of all. */
const LONGEST_MS = 2 * limits.ring_ms;
/** Rings whose end here is remembered, so that a snapshot on its way does not bring them back. */
const REMEMBERED = 64;

interface Entry {
  ring: IncomingRing;
  /** The server has been told, in this session, that it rings here. */
  told: boolean;
  expiry: Timer;
}

/**
 * The calls that ring on this device. Knows nothing of media: before a ring is accepted there is
 * nothing here that could send any, whatever the caller or the server says.
 */
export class Rings {
  readonly #signaling: Signaling;
  readonly #canTake: () => boolean;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #entries = new Map<string, Entry>();
  /** Answered, declined or over: not to ring again. */
  readonly #done = new Set<string>();
  readonly #listeners: Listeners<[RingsSnapshot]>;
  readonly #ends: Listeners<[IncomingRing, RingOver]>;
  /** After a reset, what rings is known again with the next `people`. */
  #lost = false;
  #snapshot: RingsSnapshot = { rings: [], certain: false };

  constructor(options: RingsOptions) {
    const { signaling } = options;
    this.#signaling = signaling;
    this.#canTake = options.canTake;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? consoleLog;
    this.#listeners = new Listeners(this.#log);
    this.#ends = new Listeners(this.#log);
    signaling.on('people', ({ incoming }) => this.#whole(incoming));
    signaling.on('ring', (offer) => this.#offered(offer));
    signaling.on('ring_ended', ({ ring, reason }) => this.#over(ring, reason));
    signaling.on('joined', ({ call }) => this.#joined(call));
    signaling.onReset(() => this.#reset());
    signaling.onState((state) => (state === 'stopped' ? this.#stopped() : this.#changed()));
    signaling.onCaughtUp(() => this.#changed());
  }

  /** What rings now; another object after each change. */
  get snapshot(): RingsSnapshot {
    return this.#snapshot;
  }

  /** Hears every change; not called for the present state. */
  subscribe(listener: (snapshot: RingsSnapshot) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Hears of rings that were ended by others. */
  onOver(listener: (ring: IncomingRing, reason: RingOver) => void): () => void {
    return this.#ends.add(listener);
  }

  /** It is being answered here: it rings no more. The answer itself is the door of a call. */
  accepting(ring: string): void {
    this.#move(ring, 'answering');
  }

  /** The answer was refused. With `retry` it may be tried again, and the ring goes on. */
  refused(ring: string, retry: boolean): void {
    if (retry) this.#move(ring, 'ringing');
    else this.#over(ring, 'unknown');
  }

  /** The person does not want to talk: it is over on all devices. */
  decline(ring: string): void {
    if (this.#finish(ring)) this.#tell({ t: 'decline', ring });
  }

  /** Silent on this device; the others ring on. */
  ignore(ring: string): void {
    if (this.#move(ring, 'ignored')) this.#tell({ t: 'ignore', ring });
  }

  #move(ring: string, stage: IncomingRing['stage']): boolean {
    const entry = this.#entries.get(ring);
    if (!entry || entry.ring.stage === stage) return false;
    entry.ring = { ...entry.ring, stage };
    this.#changed();
    return true;
  }

  #whole(incoming: RingOffer[]): void {
    this.#lost = false;
    const listed = new Set(incoming.map((offer) => offer.ring));
    for (const ring of [...this.#entries.keys()]) if (!listed.has(ring)) this.#over(ring, 'unknown');
    for (const offer of incoming) this.#offered(offer);
    this.#changed();
  }

  #offered(offer: RingOffer): void {
    if (this.#done.has(offer.ring)) return;
    const known = this.#entries.get(offer.ring);
    if (known) known.ring = { ...known.ring, ...fieldsOf(offer) };
    else if (this.#canTake()) this.#add(offer);
    else this.#refuse(offer.ring);
    this.#changed();
  }

  #add(offer: RingOffer): void {
    const expiry = new Timer(this.#clock);
    expiry.set(LONGEST_MS, () => this.#over(offer.ring, 'unknown'));
    this.#entries.set(offer.ring, { ring: { ...fieldsOf(offer), stage: 'ringing' }, told: false, expiry });
  }

  #refuse(ring: string): void {
    this.#remember(ring);
    this.#tell({ t: 'busy', ring });
  }

  /** This device sits in the call now, however it got there. */
  #joined(call: string): void {
    for (const { ring } of [...this.#entries.values()]) if (ring.call === call) this.#finish(ring.ring);
  }

  #over(ring: string, reason: RingOver): void {
    // What the server merely does not list may come again: after a restart it rings a moment later.
    if (reason !== 'unknown') this.#remember(ring);
    const entry = this.#remove(ring);
    if (entry) this.#ends.emit(entry.ring, reason);
  }

  async #reset(): Promise<void> {
    this.#lost = true;
    for (const entry of this.#entries.values()) entry.told = false;
  }

  #stopped(): void {
    for (const ring of [...this.#entries.keys()]) this.#finish(ring);
  }

  #finish(ring: string): Entry | null {
    this.#remember(ring);
    return this.#remove(ring);
  }

  #remove(ring: string): Entry | null {
    const entry = this.#entries.get(ring);
    if (!entry) return null;
    entry.expiry.clear();
    this.#entries.delete(ring);
    this.#changed();
    return entry;
  }

  #remember(ring: string): void {
    this.#done.add(ring);
    const [oldest] = this.#done;
    if (this.#done.size > REMEMBERED && oldest !== undefined) this.#done.delete(oldest);
  }

  #changed(): void {
    const certain = this.#signaling.caughtUp && !this.#lost;
    if (certain) for (const entry of this.#entries.values()) this.#ringing(entry);
    this.#snapshot = { rings: [...this.#entries.values()].map(({ ring }) => ring), certain };
    this.#listeners.emit(this.#snapshot);
  }

  #ringing(entry: Entry): void {
    if (entry.told) return;
    entry.told = true;
    const { ring } = entry.ring;
    this.#signaling.request({ t: 'ringing', ring }).catch((error: unknown) => {
      // Over before it was heard of: its end may have been lost with an earlier session.
      if (isOver(error)) this.#over(ring, 'unknown');
    });
  }

  #tell(message: ClientMessage): void {
    this.#signaling.request(message).catch((error: unknown) => {
      const stopped = error instanceof RequestError && error.code === 'stopped';
      if (!isOver(error) && !stopped) this.#log(`${message.t} was refused`, error);
    });
  }
}

/** The ring is over, or never was for this account. */
function isOver(error: unknown): boolean {
  return error instanceof RequestError && (error.code === 'gone' || error.code === 'not_found');
}

function fieldsOf({ ring, call, from, media, waiting, expires_in_ms }: RingOffer): RingOffer {
  return { ring, call, from, media, waiting, expires_in_ms };
}
