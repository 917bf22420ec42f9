// People, devices and past calls for a fake server: enough to see every screen with something on it.
import type * as Api from '../apiTypes.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface FakeUser extends Api.AdminUser {
  password: string | null;
  do_not_disturb: boolean;
  call_waiting: boolean;
  contacts: Set<string>;
  blocked: Set<string>;
  passkeys: Api.Passkey[];
  devices: Api.Device[];
  history: Api.HistoryEntry[];
  tokens: Api.ApiToken[];
  webhooks: Api.Webhook[];
}

/** A one-time link: a new account, or the password of one that exists. */
export interface FakeToken {
  token: string;
  id: string;
  role: Api.Role;
  created_at_ms: number;
  expires_at_ms: number;
  resets?: string;
}

export interface FakeWorld {
  guests: boolean;
  users: FakeUser[];
  tokens: FakeToken[];
  calls: Api.LiveCall[];
}

export function newUser(user: string, login: string, name: string, role: Api.Role, now: number): FakeUser {
  return {
    user,
    login,
    name,
    role,
    closed: false,
    created_at_ms: now,
    seen_at_ms: null,
    password: null,
    do_not_disturb: false,
    call_waiting: true,
    contacts: new Set(),
    blocked: new Set(),
    passkeys: [],
    devices: [],
    history: [],
    tokens: [],
    webhooks: [],
  };
}

/** Nobody yet, and the link of the first run: `/welcome#first`. */
export function emptyWorld(now: number): FakeWorld {
  const first = { token: 'first', id: 'i0', role: 'admin' as const, created_at_ms: now, expires_at_ms: now + DAY };
  return { guests: true, users: [], tokens: [first], calls: [] };
}

/** A household of six; everybody's password is `correct horse battery`. */
export function livelyWorld(now: number): FakeWorld {
  const people = [
    ['ada', 'Ada Lovelace', 'admin'],
    ['grace', 'Grace Hopper', 'member'],
    ['konrad', 'Konrad Zuse', 'member'],
    ['hedy', 'Hedy Lamarr-Kiesler von Markey de la Telegraphie sans Fil', 'member'],
    ['mallory', '<b>Mallory</b>', 'member'],
    ['lin', '林徽因', 'member'],
  ] as const;
  const users = people.map(([login, name, role], i) => {
    const user = newUser(`u${i}`, login, name, role, now - (90 - i) * DAY);
    return { ...user, password: 'correct horse battery', seen_at_ms: i === 5 ? null : now - i * 5 * HOUR };
  });
  const [ada, , konrad] = users as [FakeUser, FakeUser, FakeUser];
  konrad.closed = true;
  ada.contacts = new Set(['u1', 'u5']);
  ada.blocked = new Set(['u4']);
  ada.passkeys = [
    { id: 'p1', name: 'Pocket key', created_at_ms: now - 80 * DAY, seen_at_ms: now - 2 * DAY },
    { id: 'p2', name: 'Laptop', created_at_ms: now - 3 * DAY, seen_at_ms: null },
  ];
  ada.devices = [
    { id: 'd1', name: 'Firefox on Android', created_at_ms: now - 40 * DAY, seen_at_ms: now - 2 * MINUTE, current: false, online: true },
    { id: 'd2', name: 'Safari on iPad', created_at_ms: now - 60 * DAY, seen_at_ms: now - 9 * DAY, current: false, online: false },
  ];
  ada.history = pastCalls(now);
  ada.tokens = [{ id: 't1', name: 'Door bell', scopes: ['calls', 'people'], created_at_ms: now - 5 * DAY, seen_at_ms: now - HOUR }];
  ada.webhooks = [{ id: 'w1', url: 'https://hooks.example.org/dialtone', events: ['call.missed', 'call.ended'], created_at_ms: now - 5 * DAY }];
  const invitation = { token: 'invited', id: 'i1', role: 'member' as const, created_at_ms: now - DAY, expires_at_ms: now + 2 * DAY };
  const calls = [
    { call: 'c1', started_at_ms: now - 12 * MINUTE, connected: true, participants: [{ user: 'u1', name: 'Grace Hopper' }, { name: 'A guest with a link' }] },
    { call: 'c2', started_at_ms: now - 9_000, connected: false, participants: [{ user: 'u5', name: '林徽因' }] },
  ];
  return { guests: true, users, tokens: [invitation], calls };
}

function pastCalls(now: number): Api.HistoryEntry[] {
  type Row = [number, Api.Direction, Api.Outcome, string | null, string, Partial<Api.HistoryEntry>?];
  const rows: Row[] = [
    [18 * MINUTE, 'incoming', 'missed', 'u1', 'Grace Hopper', { seen: false, message: { body: JSON.stringify({ text: 'Found the bug. It was a moth. Call me?' }), at_ms: now - 17 * MINUTE } }],
    [2 * HOUR, 'incoming', 'missed', 'u5', '林徽因', { seen: false, media: { audio: true, video: true } }],
    [5 * HOUR, 'outgoing', 'answered', 'u5', '林徽因', { duration_ms: 1_114_000, media: { audio: true, video: true } }],
    [1.1 * DAY, 'outgoing', 'no_answer', 'u3', 'Hedy Lamarr-Kiesler von Markey de la Telegraphie sans Fil'],
    [1.2 * DAY, 'link', 'answered', null, 'A guest with a link', { duration_ms: 41_000 }],
    [3 * DAY, 'incoming', 'declined', 'u4', '<b>Mallory</b>'],
    [3.1 * DAY, 'outgoing', 'busy', 'u1', 'Grace Hopper'],
    [8 * DAY, 'outgoing', 'cancelled', 'u1', 'Grace Hopper'],
    [400 * DAY, 'incoming', 'answered', 'u2', 'Konrad Zuse', { duration_ms: 7_321_000 }],
  ];
  const more: Row[] = Array.from({ length: 60 }, (_, i) => [(401 + i) * DAY, 'outgoing', 'answered', 'u1', 'Grace Hopper', { duration_ms: 60_000 + i * 1000 }]);
  return [...rows, ...more].map(([ago, direction, outcome, user, name, rest], i) => ({
    id: String(1000 - i),
    ...(direction === 'link' ? {} : { ring: `r${i}`, media: { audio: true, video: false } }),
    call: `call${i}`,
    at_ms: now - ago,
    direction,
    outcome,
    peer: { ...(user === null ? {} : { user }), name },
    seen: true,
    ...rest,
  }));
}
