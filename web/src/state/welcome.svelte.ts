// A one-time link: what it is good for, and the account that comes of it.
import { Action } from './action.svelte.ts';
import type { Account } from './account.svelte.ts';
import type { Result } from './api.ts';
import type { Invitation, Me } from './apiTypes.ts';
import { forgetToken } from './oneTimeToken.ts';
import { makePasskey } from './passkeys.ts';

/** As the server has it: what one signs in with. Browsers read it with the flag `v`, and want the dash escaped. */
export const LOGIN = /^[a-z0-9._\-]{1,32}$/;

/** A login name out of somebody's name, as a proposal: `Ada Lovelace` gives `ada.lovelace`. */
export function proposedLogin(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, '.').replace(/^\.+|\.+$/g, '').slice(0, 32).replace(/\.$/, '');
}

export class Welcome {
  invitation: Invitation | null = $state.raw(null);
  readonly looking = new Action();
  readonly making = new Action();
  readonly token: string;
  readonly #account: Account;
  readonly #makePasskey: typeof makePasskey;
  readonly #forget: () => void;

  constructor(account: Account, token: string, make = makePasskey, forget = forgetToken) {
    this.#account = account;
    this.token = token;
    this.#makePasskey = make;
    this.#forget = forget;
  }

  async look(): Promise<void> {
    if (!this.token) return;
    const found = await this.looking.run(
      () => this.#account.api.lookAtInvitation(this.token),
      (invitation) => (this.invitation = invitation),
    );
    // What is refused now is refused after a reload too; what could not be asked may be asked again.
    if (!found && this.refused) this.#forget();
  }

  /** The server has said that the link is no good. */
  get refused(): boolean {
    const { error } = this.looking;
    return error !== null && error.status >= 400 && error.status < 500 && error.status !== 429;
  }

  withPassword(login: string, name: string, password: string): Promise<boolean> {
    const account = { token: this.token, login, name, password };
    return this.making.run(
      () => this.#account.api.createAccount(account),
      (me) => this.#made(me),
    );
  }

  withPasskey(login: string, name: string, passkeyName: string): Promise<boolean> {
    return this.making.run(
      () => this.#ceremony(login, name, passkeyName),
      (me) => this.#made(me),
    );
  }

  async #ceremony(login: string, name: string, passkeyName: string): Promise<Result<Me>> {
    const { createAccountWithPasskey: server } = this.#account.api;
    const begun = await server.begin({ token: this.token, login, name });
    if (!begun.ok) return begun;
    const credential = await this.#makePasskey(begun.value.options);
    if (!credential.ok) return credential;
    return server.finish(begun.value.ceremony, credential.value, passkeyName);
  }

  #made(me: Me): void {
    this.#forget();
    this.#account.signedIn(me);
  }
}
