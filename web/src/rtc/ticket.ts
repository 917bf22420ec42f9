/** A ticket could not be had. */
export class TicketError extends Error {
  /** The HTTP status. */
  readonly status: number;
  /** How long the server asks us to wait, in milliseconds. */
  readonly retryAfterMs: number;
  /** The token that was shown is good no more: asking again is of no use. */
  readonly refused: boolean;

  constructor(status: number, retryAfterMs: number, refused = false) {
    super(`The server gave no ticket (status ${status}).`);
    this.name = 'TicketError';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    this.refused = refused;
  }
}

/** Where a join token leads. */
export interface Visit {
  /** The only room it is for. */
  readonly room: string;
  /** What the person is called there. */
  readonly name: string;
  /** What is on when they join at once; null: they join when they say so. */
  readonly joinWith: { readonly audio: boolean; readonly video: boolean } | null;
}

/** Asks for a ticket: where, and as whom. */
export interface TicketRequest {
  origin: string;
  fetch: typeof globalThis.fetch;
  signal: AbortSignal;
  /** A join token, or an API token; null: the page's cookie decides. */
  token: string | null;
  /** The public key of the device. */
  device: string;
}

/** A server cannot keep us away longer than this. */
const LONGEST_WAIT_MS = 30_000;

/** What these answers say of a token stays true. */
const FINAL: readonly number[] = [400, 401, 403];

/** Gets a ticket, which opens one socket once; with a join token also where that leads. */
export async function fetchTicket(request: TicketRequest): Promise<{ ticket: string; visit: Visit | null }> {
  const { fetch, origin, signal, token, device } = request;
  const response = await fetch(`${origin}/api/v1/tickets`, {
    method: 'POST',
    cache: 'no-store',
    signal,
    ...(token !== null && { headers: { Authorization: `Bearer ${token}`, 'Dialtone-Device': device } }),
  });
  if (!response.ok) {
    const refused = token !== null && FINAL.includes(response.status);
    throw new TicketError(response.status, retryAfter(response), refused);
  }
  const body = fieldsOf(await response.json());
  if (typeof body['ticket'] !== 'string') throw new TicketError(response.status, 0);
  return { ticket: body['ticket'], visit: visitOf(body['visit']) };
}

function visitOf(value: unknown): Visit | null {
  const { room, name, join_with } = fieldsOf(value);
  if (typeof room !== 'string' || typeof name !== 'string') return null;
  const { audio, video } = fieldsOf(join_with);
  const joinWith = join_with ? { audio: audio === true, video: video === true } : null;
  return { room, name, joinWith };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function retryAfter(response: Response): number {
  const seconds = Number(response.headers.get('Retry-After') ?? 0);
  return Number.isFinite(seconds) ? Math.min(LONGEST_WAIT_MS, Math.max(0, seconds * 1_000)) : 0;
}
