// What a push message says. It comes sealed from our own server, and is checked all the same: an
// older or newer server may have sent it.

export type OverReason = 'answered_elsewhere' | 'declined_elsewhere' | 'missed';

export type PushMessage =
  | { kind: 'ring'; ring: string; name: string; video: boolean; expiresAt: number }
  | { kind: 'over'; ring: string; name: string; reason: OverReason };

const REASONS: readonly string[] = ['answered_elsewhere', 'declined_elsewhere', 'missed'];

/** Null for what is none of ours. */
export function readMessage(text: string): PushMessage | null {
  const fields = parse(text);
  const { kind, ring, name } = fields;
  if (typeof ring !== 'string' || typeof name !== 'string') return null;
  if (kind === 'ring' && typeof fields.expires_ms === 'number') {
    return { kind, ring, name, video: fields.video === true, expiresAt: fields.expires_ms };
  }
  if (kind === 'over' && typeof fields.reason === 'string' && REASONS.includes(fields.reason)) {
    return { kind, ring, name, reason: fields.reason as OverReason };
  }
  return null;
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
