// Signing in: with a passkey, offered in the browser's own way where it has one, or a password.
import { Action } from './action.svelte.ts';
import { failed, type Result } from './api.ts';
import type { Me } from './apiTypes.ts';
import type { Account } from './account.svelte.ts';
import { askForPasskey, canOfferInField } from './passkeys.ts';

/** The browser's part of it. */
export interface Passkeys {
  ask: typeof askForPasskey;
  canOfferInField: typeof canOfferInField;
}

export class SignIn {
  readonly action = new Action();
  readonly #account: Account;
  readonly #passkeys: Passkeys;
  /** Ends the question that waits among the suggestions of a field: there can be one at a time. */
  #waiting = new AbortController();
  #over = false;

  constructor(account: Account, passkeys: Passkeys = { ask: askForPasskey, canOfferInField }) {
    this.#account = account;
    this.#passkeys = passkeys;
  }

  withPassword(name: string, password: string): Promise<boolean> {
    return this.action.run(
      () => this.#account.api.login(name, password),
      (me) => this.#signedIn(me),
    );
  }

  async withPasskey(): Promise<void> {
    this.#stopWaiting();
    const done = await this.action.run(
      () => this.#ceremony(false),
      (me) => this.#signedIn(me),
    );
    if (!done) void this.offerInField();
  }

  /** Lets the browser offer passkeys where the name is typed. Fails silently: nobody has asked. */
  async offerInField(): Promise<void> {
    if (!(await this.#passkeys.canOfferInField()) || this.#over) return;
    const result = await this.#ceremony(true);
    if (result.ok) this.#signedIn(result.value);
    // Somebody chose a key, and the server did not take it.
    else if (result.error.status !== 0 && !this.#over) void this.action.run(async () => result);
  }

  /** The page goes away. */
  stop(): void {
    this.#over = true;
    this.#stopWaiting();
  }

  async #ceremony(quietly: boolean): Promise<Result<Me>> {
    const { signal } = this.#waiting;
    const begun = await this.#account.api.loginWithPasskey.begin();
    if (!begun.ok) return quietly ? failed('passkey_cancelled') : begun;
    if (signal.aborted) return failed('passkey_cancelled');
    const credential = await this.#passkeys.ask(begun.value.options, quietly, signal);
    if (!credential.ok) return credential;
    const finished = await this.#account.api.loginWithPasskey.finish(begun.value.ceremony, credential.value);
    if (finished.ok || finished.error.code !== 'wrong_credentials') return finished;
    return { ok: false, error: { ...finished.error, code: 'passkey_unknown' } };
  }

  #stopWaiting(): void {
    this.#waiting.abort();
    this.#waiting = new AbortController();
  }

  #signedIn(me: Me): void {
    this.stop();
    this.#account.signedIn(me);
  }
}
