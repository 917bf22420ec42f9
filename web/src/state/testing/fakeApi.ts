// A server for tests and for work on the screens: it keeps the contract of the REST API in memory.
// It checks no signatures; `npm run dev -- --mode fake` puts it behind the development server.
import type * as Api from '../apiTypes.ts';
import { newUser, type FakeUser, type FakeWorld } from './fakeWorld.ts';

interface Call {
  /** What the pattern of the address has caught. */
  id: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
  /** Throws where nobody is signed in. */
  me: FakeUser;
  device: Api.Device;
}

class Refusal {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly message: string,
    readonly headers: Record<string, string> = {},
  ) {}
}

/** A value to answer with, or with what else goes along. */
type Answer = unknown;
type Handler = (call: Call) => Answer;

const COOKIE = 'dialtone_fake';
const MANY_GUESSES = 5;
const GUESSES_MS = 30_000;

export class FakeApi {
  readonly world: FakeWorld;
  readonly #now: () => number;
  readonly #ceremonies = new Map<string, Record<string, unknown>>();
  /** When somebody guessed wrong. */
  #guesses: number[] = [];
  #lastId = 0;
  /** Asked before anything else: what it gives is the answer. For tests of what goes wrong. */
  trouble: (method: string, path: string) => Response | null = () => null;

  constructor(world: FakeWorld, now: () => number = Date.now) {
    this.world = world;
    this.#now = now;
  }

  /** One browser's `fetch`, with its own cookies. */
  browser(): typeof fetch {
    let cookie = '';
    return async (input, init) => {
      const request = new Request(input, init);
      if (cookie) request.headers.set('x-cookie', cookie);
      const response = await this.handle(request);
      const set = response.headers.get('x-set-cookie');
      if (set !== null) cookie = set;
      return response;
    };
  }

  /** Cookies come as `x-cookie` and go as `x-set-cookie`: `fetch` lets nobody touch real ones. */
  async handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const path = url.pathname.replace(/^\/api\/v1/, '');
    const broken = this.trouble(request.method, path);
    if (broken) return broken;
    try {
      return await this.#answer(request, path, url.searchParams);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return json({ code: error.code, message: error.message }, error.status, error.headers);
    }
  }

  async #answer(request: Request, path: string, query: URLSearchParams): Promise<Response> {
    for (const [pattern, handler] of Object.entries(this.#routes)) {
      const [method, address] = pattern.split(' ') as [string, string];
      const found = new RegExp(`^${address.replace(':id', '([^/]+)')}$`).exec(path);
      if (method !== request.method || !found) continue;
      const text = method === 'GET' ? '' : await request.text();
      const who = () => this.#who(request.headers.get('x-cookie') ?? '');
      const call = {
        id: decodeURIComponent(found[1] ?? ''),
        query,
        body: text ? (JSON.parse(text) as Record<string, unknown>) : {},
        get me() {
          return who().user;
        },
        get device() {
          return who().device;
        },
      };
      if (path.startsWith('/admin') && call.me.role !== 'admin') {
        throw new Refusal(403, 'forbidden', 'Only an administrator can do this.');
      }
      const answer = handler(call);
      return answer instanceof Response ? answer : json(answer ?? {});
    }
    throw new Refusal(404, 'not_found', 'There is nothing at this address.');
  }

  #who(cookie: string): { user: FakeUser; device: Api.Device } {
    for (const user of this.world.users) {
      const device = user.devices.find(({ id }) => id === cookie);
      if (device && !user.closed) return { user, device };
    }
    throw new Refusal(401, 'unauthorized', 'Sign in first.');
  }

  #id(kind: string): string {
    return `${kind}-${++this.#lastId}`;
  }

  #user(id: string): FakeUser {
    const user = this.world.users.find((one) => one.user === id);
    if (!user) throw new Refusal(404, 'not_found', 'There is no such person.');
    return user;
  }

  #enter(user: FakeUser): Response {
    const now = this.#now();
    const device = { id: this.#id('device'), name: 'Chromium on Linux', created_at_ms: now, seen_at_ms: now, current: false, online: true };
    user.devices.push(device);
    this.#guesses = [];
    return json(meOf(user, device), 200, { 'x-set-cookie': device.id, 'set-cookie': `${COOKIE}=${device.id}; Path=/; HttpOnly; SameSite=Strict` });
  }

  #login(name: unknown, password: unknown): Response {
    this.#guesses = this.#guesses.filter((at) => at > this.#now() - GUESSES_MS);
    if (this.#guesses.length >= MANY_GUESSES) {
      throw new Refusal(429, 'limit', 'Too many attempts. Wait a moment.', { 'retry-after': String(GUESSES_MS / 1000) });
    }
    const user = this.world.users.find((one) => one.login === name && one.password === password && !one.closed);
    if (user) return this.#enter(user);
    this.#guesses.push(this.#now());
    throw new Refusal(401, 'wrong_credentials', 'Name or password are wrong.');
  }

  #invitation(token: unknown) {
    const found = this.world.tokens.find((one) => one.token === token && one.expires_at_ms > this.#now());
    if (!found) throw new Refusal(404, 'link_gone', 'This link is not good any more.');
    return found;
  }

  #newAccount({ token, login, name }: Record<string, unknown>): FakeUser {
    const invitation = this.#invitation(token);
    const clash = this.world.users.find((one) => one.login === login);
    const existing = invitation.resets === undefined ? null : this.#user(invitation.resets);
    if (clash && clash !== existing) throw new Refusal(409, 'login_taken', 'Somebody has this login name already.');
    const user = existing ?? newUser(this.#id('user'), String(login), String(name), invitation.role, this.#now());
    if (!existing) this.world.users.push(user);
    this.world.tokens = this.world.tokens.filter((one) => one !== invitation);
    return user;
  }

  #begin(remembered: Record<string, unknown>, options: object): Api.Ceremony {
    const ceremony = this.#id('ceremony');
    this.#ceremonies.set(ceremony, remembered);
    return { ceremony, options: { publicKey: { challenge: 'AAECAwQFBgcICQoLDA0ODw', timeout: 60_000, ...options } } };
  }

  #finish(ceremony: unknown): Record<string, unknown> {
    const remembered = this.#ceremonies.get(String(ceremony));
    if (!remembered) throw new Refusal(410, 'ceremony_over', 'This took too long. Try again.');
    this.#ceremonies.delete(String(ceremony));
    return remembered;
  }

  #passkey(credential: unknown, name: unknown): Api.Passkey {
    const { id } = credential as { id: string };
    return { id, name: String(name), created_at_ms: this.#now(), seen_at_ms: null };
  }

  #link(role: Api.Role, hours: number, resets?: string) {
    const [id, now] = [this.#id('invitation'), this.#now()];
    const made = { id, token: `secret-of-${id}`, role, created_at_ms: now, expires_at_ms: now + hours * 3_600_000 };
    this.world.tokens.push(resets === undefined ? made : { ...made, resets });
    return { ...publicPart(made), link: `https://dialtone.example.org/welcome#${made.token}` };
  }

  #persons(me: FakeUser, which: (user: FakeUser) => boolean): Api.Person[] {
    return this.world.users
      .filter((user) => user !== me && !user.closed && which(user))
      .map(({ user, login, name }) => ({ user, login, name, contact: me.contacts.has(user), blocked: me.blocked.has(user) }));
  }

  readonly #routes: Record<string, Handler> = {
    'GET /server': () => ({ version: '0.1.0', guests: this.world.guests, passkeys: true, first_run: this.world.users.length === 0, embed_origins: [] }),
    'POST /login': ({ body }) => this.#login(body.name, body.password),
    'POST /login/passkey/begin': () => this.#begin({}, { rpId: 'localhost', allowCredentials: [], userVerification: 'required' }),
    'POST /login/passkey/finish': ({ body }) => {
      this.#finish(body.ceremony);
      const { id } = body.credential as { id: string };
      const user = this.world.users.find((one) => one.passkeys.some((passkey) => passkey.id === id));
      if (!user) throw new Refusal(401, 'wrong_credentials', 'This passkey is not known here.');
      return this.#enter(user);
    },
    'POST /logout': ({ me, device }) => {
      me.devices = me.devices.filter((one) => one !== device);
      return json({}, 200, { 'x-set-cookie': '', 'set-cookie': `${COOKIE}=; Path=/; Max-Age=0` });
    },

    'POST /invitations/look': ({ body }) => {
      const { role, expires_at_ms, resets } = this.#invitation(body.token);
      const looked = { role, expires_at_ms, first_run: this.world.users.length === 0 };
      if (resets === undefined) return looked;
      const { login, name } = this.#user(resets);
      return { ...looked, resets: { login, name } };
    },
    'POST /accounts': ({ body }) => {
      const user = this.#newAccount(body);
      user.password = String(body.password);
      return this.#enter(user);
    },
    'POST /accounts/passkey/begin': ({ body }) => {
      this.#invitation(body.token);
      return this.#begin(body, registration(String(body.login), String(body.name)));
    },
    'POST /accounts/passkey/finish': ({ body }) => {
      const user = this.#newAccount(this.#finish(body.ceremony));
      user.passkeys.push(this.#passkey(body.credential, body.passkey_name));
      return this.#enter(user);
    },

    'GET /me': ({ me, device }) => meOf(me, device),
    'PATCH /me': ({ me, device, body }) => meOf(Object.assign(me, body), device),
    'PUT /me/password': ({ me, device, body }) => {
      if (me.password !== null && me.password !== body.old) throw new Refusal(403, 'wrong_credentials', 'The old password is wrong.');
      me.password = String(body.new);
      [me.devices, me.tokens] = [[device], []];
    },
    'GET /me/passkeys': ({ me }) => me.passkeys,
    'POST /me/passkeys/begin': ({ me }) => this.#begin({}, registration(me.login, me.name)),
    'POST /me/passkeys/finish': ({ me, body }) => {
      this.#finish(body.ceremony);
      me.passkeys.push(this.#passkey(body.credential, body.name));
      return me.passkeys.at(-1);
    },
    'DELETE /me/passkeys/:id': ({ me, id }) => {
      if (me.password === null && me.passkeys.length === 1) throw new Refusal(409, 'last_way_in', 'It is your only way to sign in. Set a password first.');
      me.passkeys = me.passkeys.filter((one) => one.id !== id);
    },
    'GET /me/devices': ({ me, device }) => me.devices.map((one) => ({ ...one, current: one === device })),
    'DELETE /me/devices/:id': ({ me, id }) => void (me.devices = me.devices.filter((one) => one.id !== id)),
    'DELETE /me/devices': ({ me, device }) => void (me.devices = [device]),

    'GET /people': ({ me, query }) => {
      const wanted = (query.get('query') ?? '').toLowerCase();
      return this.#persons(me, ({ login, name }) => `${login} ${name}`.toLowerCase().includes(wanted));
    },
    'GET /contacts': ({ me }) => this.#persons(me, ({ user }) => me.contacts.has(user)),
    'PUT /contacts/:id': ({ me, id }) => void me.contacts.add(this.#user(id).user),
    'DELETE /contacts/:id': ({ me, id }) => void me.contacts.delete(id),
    'GET /blocks': ({ me }) => this.#persons(me, ({ user }) => me.blocked.has(user)),
    'PUT /blocks/:id': ({ me, id }) => void me.blocked.add(this.#user(id).user),
    'DELETE /blocks/:id': ({ me, id }) => void me.blocked.delete(id),

    'GET /history': ({ me, query }) => {
      const before = query.get('before');
      const from = before === null ? 0 : me.history.findIndex(({ id }) => id === before) + 1;
      const to = from + Number(query.get('limit') ?? 50);
      const unseen = me.history.filter((entry) => !entry.seen).length;
      return { entries: me.history.slice(from, to), unseen, more: to < me.history.length };
    },
    'POST /history/seen': ({ me }) => void (me.history = me.history.map((entry) => ({ ...entry, seen: true }))),
    'DELETE /history/:id': ({ me, id }) => void (me.history = me.history.filter((entry) => entry.id !== id)),

    'GET /push/key': () => ({ key: 'BAwoezntLfvSJvgIqhnwgrReXi5gqCAu5CgSN1-niUC8nBCMzCCqyy_Wot4J4HCg-BVEB8a-nKUaB_FBlC0bMoI' }),
    'PUT /push/subscription': () => ({}),
    'DELETE /push/subscription': () => ({}),

    'GET /admin/users': () =>
      this.world.users.map(({ user, login, name, role, closed, created_at_ms, seen_at_ms }) => ({ user, login, name, role, closed, created_at_ms, seen_at_ms })),
    'PATCH /admin/users/:id': ({ id, body }) => {
      const user = this.#user(id);
      const admins = this.world.users.filter((one) => one.role === 'admin' && !one.closed);
      const loses = body.closed === true || body.role === 'member';
      if (loses && admins.length === 1 && admins[0] === user) {
        throw new Refusal(409, 'last_administrator', 'This is the last administrator. Make somebody else one first.');
      }
      Object.assign(user, body);
    },
    'POST /admin/users/:id/reset': ({ id }) => this.#link(this.#user(id).role, 24, id),
    'GET /admin/invitations': () => this.world.tokens.map((one) => (one.resets === undefined ? publicPart(one) : { ...publicPart(one), resets: this.#user(one.resets).login })),
    'POST /admin/invitations': ({ body }) => this.#link(body.role as Api.Role, Number(body.expires_in_h)),
    'DELETE /admin/invitations/:id': ({ id }) => void (this.world.tokens = this.world.tokens.filter((one) => one.id !== id)),
    'GET /admin/settings': () => ({ guests: this.world.guests }),
    'PATCH /admin/settings': ({ body }) => {
      this.world.guests = body.guests === true;
      return { guests: this.world.guests };
    },
    'GET /admin/calls': () => this.world.calls,
    'DELETE /admin/calls/:id': ({ id }) => void (this.world.calls = this.world.calls.filter(({ call }) => call !== id)),

    'GET /tokens': ({ me }) => me.tokens,
    'POST /tokens': ({ me, body }) => {
      const token = { id: this.#id('token'), name: String(body.name), scopes: body.scopes as Api.Scope[], created_at_ms: this.#now(), seen_at_ms: null };
      me.tokens.push(token);
      return { ...token, token: `dt_${token.id}_shown_once` };
    },
    'DELETE /tokens/:id': ({ me, id }) => void (me.tokens = me.tokens.filter((one) => one.id !== id)),
    'GET /webhooks': ({ me }) => me.webhooks,
    'POST /webhooks': ({ me, body }) => {
      const webhook = { id: this.#id('webhook'), url: String(body.url), events: body.events as string[], created_at_ms: this.#now() };
      me.webhooks.push(webhook);
      return { ...webhook, secret: 'whsec_shown_once' };
    },
    'DELETE /webhooks/:id': ({ me, id }) => void (me.webhooks = me.webhooks.filter((one) => one.id !== id)),
    'GET /webhooks/:id/deliveries': () => [
      { id: 'x2', event: 'call.missed', at_ms: this.#now() - 60_000, attempts: 2, status: 503, state: 'waiting' },
      { id: 'x1', event: 'call.ended', at_ms: this.#now() - 3_600_000, attempts: 1, status: 200, state: 'delivered' },
    ],
  };
}

function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });
}

function meOf(user: FakeUser, device: Api.Device): Api.Me {
  const { user: id, login, name, role, do_not_disturb, call_waiting } = user;
  return { user: id, login, name, role, do_not_disturb, call_waiting, has_password: user.password !== null, this_device: device.id };
}

function publicPart({ id, role, created_at_ms, expires_at_ms }: Api.AdminInvitation): Api.AdminInvitation {
  return { id, role, created_at_ms, expires_at_ms };
}

function registration(login: string, name: string): object {
  return {
    rp: { id: 'localhost', name: 'Dialtone' },
    user: { id: btoa(login).replace(/=+$/, ''), name: login, displayName: name },
    pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  };
}
