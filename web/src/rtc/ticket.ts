/** A ticket could not be had. */
export class TicketError extends Error {
  /** The HTTP status. */
  readonly status: number;
  /** How long the server asks us to wait, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(status: number, retryAfterMs: number) {
    super(`The server gave no ticket (status ${status}).`);
    this.name = 'TicketError';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A server cannot keep us away longer than this. */
const LONGEST_WAIT_MS = 30_000;

/** Gets a ticket, which opens one socket once. */
export async function fetchTicket(
  fetch: typeof globalThis.fetch,
  origin: string,
  signal: AbortSignal,
): Promise<string> {
  const response = await fetch(`${origin}/api/v1/tickets`, {
    method: 'POST',
    cache: 'no-store',
    signal,
  });
  if (!response.ok) throw new TicketError(response.status, retryAfter(response));
  const body: unknown = await response.json();
  const ticket = (body as { ticket?: unknown } | null)?.ticket;
  if (typeof ticket !== 'string') throw new TicketError(response.status, 0);
  return ticket;
}

function retryAfter(response: Response): number {
  const seconds = Number(response.headers.get('Retry-After') ?? 0);
  return Number.isFinite(seconds) ? Math.min(LONGEST_WAIT_MS, Math.max(0, seconds * 1_000)) : 0;
}
