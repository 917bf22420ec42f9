// Who uses this browser: somebody signed in, or a guest. One for the whole page.
import { ApiClient, type Result } from './api.ts';
import type { Me, ServerInfo } from './apiTypes.ts';
import { request } from './embedded.ts';

/** Null: no account is signed in. */
type Listener = (me: Me | null) => void;

export class Account {
  /** Undefined until it is known. */
  me: Me | null | undefined = $state.raw(undefined);
  /** What the server allows; null until it has said so, or if it knows no accounts. */
  server: ServerInfo | null = $state.raw(null);
  /** The login ended without this page asking for it: revoked elsewhere, or expired. */
  revoked = $state(false);
  /** The server did not answer when it was asked who is signed in. */
  unreachable = $state(false);
  /** Missed calls that nobody has looked at. */
  unseen = $state(0);
  readonly api: ApiClient;
  #listeners = new Set<Listener>();
  #loading: Promise<void> | null = null;

  /** Guests have no place here: the administrator has switched calls by link off. */
  readonly closedToMe: boolean = $derived(this.me === null && this.server?.guests === false);

  constructor(api: ApiClient) {
    this.api = api;
    api.onSignedOut = () => this.signedOut();
  }

  /** Asks the server; safe to call again. What cannot be reached changes nothing. */
  load(): Promise<void> {
    this.#loading ??= this.#ask().finally(() => (this.#loading = null));
    return this.#loading;
  }

  /** Calls `listener` whenever somebody else is signed in than before, or nobody any more. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What signing in, or making an account, has answered. */
  signedIn(me: Me): void {
    this.revoked = false;
    this.#set(me);
    // The first account changes what the server says about itself.
    void this.#askServer();
  }

  /** The server does not know this login any more. */
  signedOut(): void {
    if (this.me) this.revoked = true;
    this.#set(null);
  }

  /** Signs out here. A login that the server still has is not called gone. */
  async signOut(): Promise<Result<void>> {
    const result = await this.api.logout();
    if (result.ok || result.error.status === 401) {
      this.#set(null);
      return { ok: true, value: undefined };
    }
    return result;
  }

  async change(change: Partial<Pick<Me, 'name' | 'do_not_disturb' | 'call_waiting'>>): Promise<Result<Me>> {
    const result = await this.api.changeMe(change);
    if (result.ok) this.#set({ ...this.me!, ...change, ...result.value });
    return result;
  }

  async #ask(): Promise<void> {
    const [, me] = await Promise.all([this.#askServer(), this.api.me()]);
    this.unreachable = !me.ok && (me.error.status === 0 || me.error.status >= 500);
    if (me.ok) this.#set(me.value);
    // A server without accounts has nobody to be signed in.
    else if ([401, 403, 404].includes(me.error.status)) this.signedOut();
  }

  /** Signs out all other devices, and ends all API tokens. */
  async setPassword(password: { old?: string; new: string }): Promise<Result<void>> {
    const result = await this.api.setPassword(password);
    if (result.ok && this.me) this.#set({ ...this.me, has_password: true });
    return result;
  }

  /** For the mark at the menu. */
  async countUnseen(): Promise<void> {
    const page = await this.api.history.page(null, 1);
    if (page.ok) this.unseen = page.value.unseen;
  }

  async #askServer(): Promise<void> {
    const server = await this.api.server();
    if (server.ok) this.server = server.value;
  }

  #set(me: Me | null): void {
    const before = this.me;
    this.me = me;
    if (before?.user !== me?.user) for (const listener of this.#listeners) listener(me);
  }
}

export const account = new Account(new ApiClient({ origin: globalThis.location?.origin ?? '', fetch: request }));
