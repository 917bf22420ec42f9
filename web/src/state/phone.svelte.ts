// What a signed-in person's telephone shows: whom they know, and what rings here.
import type { Contact, IncomingRing, RingOver, RingsSnapshot } from '../rtc/index.ts';
import { account } from './account.svelte.ts';
import { followRings } from './push.ts';
import type { Server } from './server.ts';

/** Somebody with an account. */
export interface Person {
  user: string;
  name: string;
}

const NOTHING: RingsSnapshot = { rings: [], certain: false };

export class Phone {
  contacts: readonly Contact[] = $state.raw([]);
  /** Counts up when the history has changed: whoever shows it asks again. */
  historyChanges = $state(0);
  #rings: RingsSnapshot = $state.raw(NOTHING);
  #server: Server | null = null;
  #ends: (() => void)[] = [];
  readonly #over: (ring: IncomingRing, reason: RingOver) => void;

  /** What rings, the oldest first. */
  readonly ringing: readonly IncomingRing[] = $derived(this.#rings.rings.filter(({ stage }) => stage === 'ringing'));
  /** Silenced here, and can still be answered. */
  readonly ignored: readonly IncomingRing[] = $derived(this.#rings.rings.filter(({ stage }) => stage === 'ignored'));
  /** Whether the server is heard, so that what rings does so still. Only then may it sound. */
  readonly certain: boolean = $derived(this.#rings.certain);

  /** `over` hears of rings that others have ended. */
  constructor(over: (ring: IncomingRing, reason: RingOver) => void) {
    this.#over = over;
  }

  /** Is connected to this line from now on, or to none. */
  attach(server: Server | null): void {
    for (const end of this.#ends.splice(0)) end();
    this.#server = server;
    this.contacts = server?.people.snapshot.contacts ?? [];
    this.#rings = server?.rings.snapshot ?? NOTHING;
    if (!server) return;
    this.#ends = [
      server.people.subscribe(({ contacts }) => (this.contacts = contacts)),
      server.rings.subscribe((rings) => (this.#rings = rings)),
      server.rings.onOver(this.#over),
      followRings(server.rings),
      server.onChanged((what) => {
        if (what !== 'history') return;
        this.historyChanges += 1;
        void account.countUnseen();
      }),
    ];
  }

  accepting(ring: string): void {
    this.#server?.rings.accepting(ring);
  }

  refused(ring: string, retry: boolean): void {
    this.#server?.rings.refused(ring, retry);
  }

  decline(ring: string): void {
    this.#server?.rings.decline(ring);
  }

  ignore(ring: string): void {
    this.#server?.rings.ignore(ring);
  }
}
