import { consoleLog, type Log } from './clock.ts';
import { Listeners } from './emitter.ts';
import type { Account, Contact } from './protocol.gen.ts';
import type { Signaling } from './signaling.ts';

/** Who one is and whom one knows, at one moment. */
export interface PeopleSnapshot {
  /** Null until the server has said so, and for guests always. */
  readonly me: Account | null;
  readonly contacts: readonly Contact[];
}

/** The people of an account, as the server tells them: contacts, and whether they can be reached. */
export class People {
  readonly #listeners: Listeners<[PeopleSnapshot]>;
  #snapshot: PeopleSnapshot = { me: null, contacts: [] };

  constructor(signaling: Signaling, log: Log = consoleLog) {
    this.#listeners = new Listeners(log);
    signaling.on('people', ({ me, contacts }) => this.#set({ me, contacts }));
    signaling.on('presence', ({ contact }) => this.#contact(contact));
  }

  /** How it is now; another object after each change. */
  get snapshot(): PeopleSnapshot {
    return this.#snapshot;
  }

  /** Hears every change; not called for the present one. */
  subscribe(listener: (snapshot: PeopleSnapshot) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Somebody who is no contact (any more) does not become one by being present. */
  #contact(changed: Contact): void {
    const { me, contacts } = this.#snapshot;
    this.#set({ me, contacts: contacts.map((each) => (each.user === changed.user ? changed : each)) });
  }

  #set(snapshot: PeopleSnapshot): void {
    this.#snapshot = snapshot;
    this.#listeners.emit(snapshot);
  }
}
