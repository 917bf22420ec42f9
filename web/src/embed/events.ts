// What the element tells its page, from how the call was and is.
import type { News } from './messages.ts';

export interface EventOf {
  type: 'ready' | 'joined' | 'peerjoined' | 'peerleft' | 'statechange' | 'ended' | 'error';
  detail: Record<string, unknown>;
}

const BAD_TOKEN = 'The join token was used on another device, is too old, or was taken back. Make another one.';

/** In the order in which it happened; `before` is null for the first news. */
export function eventsOf(before: News | null, after: News): EventOf[] {
  const events: EventOf[] = [];
  const { state, path, peers, reason } = after;
  const [had, has] = [before?.peers ?? 0, peers];
  if (!before) events.push({ type: 'ready', detail: {} });
  if (after.joined && !before?.joined) events.push({ type: 'joined', detail: {} });
  if (has > had) events.push({ type: 'peerjoined', detail: { peers } });
  if (has < had) events.push({ type: 'peerleft', detail: { peers } });
  if (before?.state !== state || before.path !== path) events.push({ type: 'statechange', detail: { state, path, peers } });
  if (after.refused && !before?.refused) events.push({ type: 'error', detail: { code: 'bad_token', message: BAD_TOKEN } });
  if (state === 'ended' && before?.state !== 'ended') events.push({ type: 'ended', detail: { reason } });
  return events;
}
