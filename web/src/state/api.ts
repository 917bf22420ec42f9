// The REST API of the server. Answers are values: what went wrong has a code and a sentence.
//
// Secrets (passwords, one-time tokens) travel in bodies and nowhere else: addresses are kept in
// histories and logs. The login itself is a cookie that no script can read.
import type * as Api from './apiTypes.ts';

export interface ApiError {
  /** The HTTP status; 0 if no answer came. */
  status: number;
  /** The server's code, or one of this browser's: `offline`, `unexpected`, `passkey_…`. */
  code: string;
  /** A sentence of the server's; empty where it said nothing. */
  message: string;
  /** How long it asks us to wait, in milliseconds. */
  retryAfterMs: number;
}

export type Result<T> = { ok: true; value: T } | { ok: false; error: ApiError };

/** A failure that is this browser's own. */
export function failed(code: string): { ok: false; error: ApiError } {
  return { ok: false, error: { status: 0, code, message: '', retryAfterMs: 0 } };
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A server that says nothing for this long is as good as gone. */
const PATIENCE_MS = 15_000;

export interface ApiOptions {
  origin: string;
  fetch?: typeof globalThis.fetch;
}

export class ApiClient {
  readonly #base: string;
  readonly #fetch: typeof globalThis.fetch;
  /** Called when the server no longer knows our login. */
  onSignedOut: () => void = () => undefined;

  constructor({ origin, fetch = (...request) => globalThis.fetch(...request) }: ApiOptions) {
    this.#base = `${origin}/api/v1`;
    this.#fetch = fetch;
  }

  // Signing in and out
  server = () => this.#get<Api.ServerInfo>('/server');
  check = () => this.#enter<Api.CheckAccess>('/check');
  login = (name: string, password: string) => this.#enter<Api.Me>('/login', { name, password });
  loginWithPasskey = {
    begin: () => this.#enter<Api.Ceremony>('/login/passkey/begin'),
    finish: (ceremony: string, credential: unknown) =>
      this.#enter<Api.Me>('/login/passkey/finish', { ceremony, credential }),
  };
  logout = () => this.#send<void>('POST', '/logout');

  // One-time links
  lookAtInvitation = (token: string) => this.#enter<Api.Invitation>('/invitations/look', { token });
  createAccount = (account: { token: string; login: string; name: string; password: string }) =>
    this.#enter<Api.Me>('/accounts', account);
  createAccountWithPasskey = {
    begin: (account: { token: string; login: string; name: string }) =>
      this.#enter<Api.Ceremony>('/accounts/passkey/begin', account),
    finish: (ceremony: string, credential: unknown, passkey_name: string) =>
      this.#enter<Api.Me>('/accounts/passkey/finish', { ceremony, credential, passkey_name }),
  };

  // Me
  me = () => this.#get<Api.Me>('/me');
  changeMe = (change: Partial<Pick<Api.Me, 'name' | 'do_not_disturb' | 'call_waiting'>>) =>
    this.#send<Api.Me>('PATCH', '/me', change);
  /** Signs out all other devices, and ends all API tokens. `old` is needed if there was a password. */
  setPassword = (password: { old?: string; new: string }) => this.#send<void>('PUT', '/me/password', password);
  passkeys = {
    list: () => this.#get<Api.Passkey[]>('/me/passkeys'),
    begin: () => this.#send<Api.Ceremony>('POST', '/me/passkeys/begin', {}),
    finish: (ceremony: string, credential: unknown, name: string) =>
      this.#send<Api.Passkey>('POST', '/me/passkeys/finish', { ceremony, credential, name }),
    remove: (id: string) => this.#send<void>('DELETE', `/me/passkeys/${path(id)}`),
  };
  devices = {
    list: () => this.#get<Api.Device[]>('/me/devices'),
    revoke: (id: string) => this.#send<void>('DELETE', `/me/devices/${path(id)}`),
    revokeOthers: () => this.#send<void>('DELETE', '/me/devices'),
  };

  // Others
  people = (query: string) => this.#get<Api.Person[]>(`/people?${new URLSearchParams({ query })}`);
  contacts = {
    list: () => this.#get<Api.Person[]>('/contacts'),
    add: (user: string) => this.#send<void>('PUT', `/contacts/${path(user)}`, {}),
    remove: (user: string) => this.#send<void>('DELETE', `/contacts/${path(user)}`),
  };
  blocks = {
    list: () => this.#get<Api.Person[]>('/blocks'),
    add: (user: string) => this.#send<void>('PUT', `/blocks/${path(user)}`, {}),
    remove: (user: string) => this.#send<void>('DELETE', `/blocks/${path(user)}`),
  };

  // Past calls. `before` is the id of the oldest entry one has.
  history = {
    page: (before: string | null, limit: number) => {
      const query = new URLSearchParams({ limit: String(limit), ...(before === null ? {} : { before }) });
      return this.#get<Api.HistoryPage>(`/history?${query}`);
    },
    seen: () => this.#send<void>('POST', '/history/seen', {}),
    remove: (id: string) => this.#send<void>('DELETE', `/history/${path(id)}`),
  };

  push = {
    key: () => this.#get<{ key: string }>('/push/key'),
    subscribe: (subscription: Api.PushSubscriptionInfo) => this.#send<void>('PUT', '/push/subscription', subscription),
    unsubscribe: (endpoint: string) => this.#send<void>('DELETE', '/push/subscription', { endpoint }),
  };

  // For administrators
  admin = {
    users: () => this.#get<Api.AdminUser[]>('/admin/users'),
    changeUser: (user: string, change: { role?: Api.Role; closed?: boolean; name?: string }) =>
      this.#send<void>('PATCH', `/admin/users/${path(user)}`, change),
    resetUser: (user: string) => this.#send<Api.OneTimeLink>('POST', `/admin/users/${path(user)}/reset`, {}),
    invitations: () => this.#get<Api.AdminInvitation[]>('/admin/invitations'),
    invite: (role: Api.Role, expires_in_h: number) =>
      this.#send<Api.AdminInvitation & Api.OneTimeLink>('POST', '/admin/invitations', { role, expires_in_h }),
    revokeInvitation: (id: string) => this.#send<void>('DELETE', `/admin/invitations/${path(id)}`),
    settings: () => this.#get<{ guests: boolean }>('/admin/settings'),
    changeSettings: (change: { guests: boolean }) => this.#send<void>('PATCH', '/admin/settings', change),
    calls: () => this.#get<Api.LiveCall[]>('/admin/calls'),
    endCall: (call: string) => this.#send<void>('DELETE', `/admin/calls/${path(call)}`),
  };

  // For developers
  tokens = {
    list: () => this.#get<Api.ApiToken[]>('/tokens'),
    make: (name: string, scopes: Api.Scope[]) =>
      this.#send<Api.ApiToken & { token: string }>('POST', '/tokens', { name, scopes }),
    revoke: (id: string) => this.#send<void>('DELETE', `/tokens/${path(id)}`),
  };
  webhooks = {
    list: () => this.#get<Api.Webhook[]>('/webhooks'),
    make: (url: string, events: string[]) =>
      this.#send<Api.Webhook & { secret: string }>('POST', '/webhooks', { url, events }),
    remove: (id: string) => this.#send<void>('DELETE', `/webhooks/${path(id)}`),
    deliveries: (id: string) => this.#get<Api.Delivery[]>(`/webhooks/${path(id)}/deliveries`),
  };

  #get<T>(address: string): Promise<Result<T>> {
    return this.#send<T>('GET', address);
  }

  /** What needs no login: being refused there does not mean that one was signed out. */
  #enter<T>(address: string, body: object = {}): Promise<Result<T>> {
    return this.#ask<T>('POST', address, body);
  }

  async #send<T>(method: Method, address: string, body?: object): Promise<Result<T>> {
    const result = await this.#ask<T>(method, address, body);
    // A wrong old password is refused the same way, and says nothing about the login.
    if (!result.ok && result.error.status === 401 && result.error.code !== 'wrong_credentials') this.onSignedOut();
    return result;
  }

  async #ask<T>(method: Method, address: string, body?: object): Promise<Result<T>> {
    let response: Response;
    let answer: unknown;
    try {
      response = await this.#fetch(`${this.#base}${address}`, {
        method,
        cache: 'no-store',
        credentials: 'same-origin',
        signal: AbortSignal.timeout(PATIENCE_MS),
        ...(method === 'GET' ? {} : { headers: { 'content-type': 'application/json' } }),
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      answer = parse(await response.text());
    } catch {
      return failed('offline');
    }
    // Who reads wants an answer; to a change, silence is one.
    const empty = answer === BROKEN || (answer === undefined && method === 'GET');
    if (response.ok && !empty) return { ok: true, value: answer as T };
    return { ok: false, error: errorOf(response, answer) };
  }
}

const path = encodeURIComponent;

/** What is no JSON: a proxy's page, for instance. */
const BROKEN = Symbol('broken');

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return BROKEN;
  }
}

function errorOf(response: Response, answer: unknown): ApiError {
  const { code, message } = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  const seconds = Number(response.headers.get('Retry-After') ?? 0);
  return {
    status: response.status,
    code: typeof code === 'string' ? code : 'unexpected',
    message: typeof message === 'string' ? message : '',
    retryAfterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0,
  };
}
