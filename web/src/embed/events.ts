// What the element tells its page, from how the call was and is.
import type { News } from './messages.ts';

export interface EventOf {
  type: 'ready' | 'joined' | 'peerjoined' | 'peerleft' | 'statechange' | 'ended';
  detail: Record<string, unknown>;
}

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
  if (state === 'ended' && before?.state !== 'ended') events.push({ type: 'ended', detail: { reason } });
  return events;
}
