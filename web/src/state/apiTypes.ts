// The shapes of the REST API under /api/v1, as docs/protocol.md and /api/v1/openapi.json have them.

export interface ServerInfo {
  version: string;
  /** Whether calls by link are possible without an account. */
  guests: boolean;
  /** Whether the address the server is reached at can have passkeys. */
  passkeys: boolean;
  /** Nobody has an account yet. */
  first_run: boolean;
  /** Whose pages may show calls in theirs. */
  embed_origins: string[];
}

/** The way to STUN and the relay for a check, good for a minute and for nothing else. */
export interface CheckAccess {
  ice_servers: RTCIceServer[];
  expires_in_ms: number;
}

export type Role = 'admin' | 'member';

export interface Me {
  user: string;
  /** What one signs in with. */
  login: string;
  /** What others see. */
  name: string;
  role: Role;
  do_not_disturb: boolean;
  call_waiting: boolean;
  has_password: boolean;
  /** The id of this sign-in among the devices. */
  this_device: string;
}

/** What WebAuthn wants of the browser; binary values are base64url. */
export interface Ceremony {
  ceremony: string;
  options: unknown;
}

export interface Invitation {
  role: Role;
  expires_at_ms: number;
  first_run: boolean;
  /** The link is a way back into this account, rather than to a new one. */
  resets?: { login: string; name: string };
}

export interface Passkey {
  id: string;
  name: string;
  created_at_ms: number;
  seen_at_ms?: number | null;
}

export interface Device {
  id: string;
  name: string;
  created_at_ms: number;
  seen_at_ms: number;
  current: boolean;
  online: boolean;
}

export interface Person {
  user: string;
  login: string;
  name: string;
  contact: boolean;
  blocked: boolean;
}

export type Direction = 'outgoing' | 'incoming' | 'link';
export type Outcome = 'answered' | 'missed' | 'declined' | 'busy' | 'no_answer' | 'cancelled';

export interface HistoryEntry {
  id: string;
  ring?: string;
  call: string;
  at_ms: number;
  direction: Direction;
  outcome: Outcome;
  /** Of a missed call: why it did not ring. */
  unreachable?: 'busy' | 'do_not_disturb';
  /** What the caller offered; not known of calls by link. */
  media?: { audio: boolean; video: boolean };
  peer?: { user?: string; name: string };
  duration_ms?: number;
  /** What the caller left after nobody answered. */
  message?: { body: string; at_ms: number };
  seen: boolean;
}

export interface HistoryPage {
  entries: HistoryEntry[];
  /** Missed calls that have not been looked at. */
  unseen: number;
  /** Older ones exist. */
  more: boolean;
}

export interface PushSubscriptionInfo {
  endpoint: string;
  keys: { p256dh: string; auth: string };
}

export interface AdminUser {
  user: string;
  login: string;
  name: string;
  role: Role;
  closed: boolean;
  created_at_ms: number;
  seen_at_ms?: number | null;
}

export interface AdminInvitation {
  id: string;
  role: Role;
  /** The login name of the account that it leads back into; without one it makes a new account. */
  resets?: string | null;
  created_at_ms: number;
  expires_at_ms: number;
}

/** A link that works once and is shown once. */
export interface OneTimeLink {
  link: string;
  expires_at_ms?: number;
}

export interface LiveCall {
  call: string;
  /** Missing while it is written down. */
  started_at_ms?: number;
  /** Media has flowed. */
  connected: boolean;
  participants: { user?: string; name: string }[];
}

export type Scope = 'calls' | 'people' | 'history' | 'join' | 'admin';

export interface ApiToken {
  id: string;
  name: string;
  scopes: Scope[];
  created_at_ms: number;
  seen_at_ms?: number | null;
}

/** What a webhook can be told of. */
export const webhookEvents = ['call.started', 'call.ringing', 'call.answered', 'call.ended', 'call.missed', 'call.declined'] as const;

export interface Webhook {
  id: string;
  url: string;
  events: string[];
  created_at_ms: number;
  /** Since when nothing could be delivered. */
  failing_since_ms?: number | null;
  /** Since when it is switched off. */
  disabled_at_ms?: number | null;
}

export interface Delivery {
  id: string;
  event: string;
  at_ms: number;
  attempts: number;
  state: 'waiting' | 'delivered' | 'failed';
  next_at_ms?: number | null;
  delivered_at_ms?: number | null;
  status?: number | null;
  error?: string | null;
}
