// Going from page to page inside the app. Whoever shows pages listens to `popstate`, so a link
// that is followed and a step back are one thing to it.

import { embedded } from './embedded.ts';

/** What a page is told by the one before it; kept by the browser with the step, not in the address. */
interface Step {
  /** Where to go when this page has done its work. */
  from?: string;
}

export function go(path: string, step: Step = {}): void {
  // In a page of another site there is nothing but the call.
  if (embedded) return void open(path, '_blank', 'noopener');
  history.pushState(step, '', path);
  dispatchEvent(new PopStateEvent('popstate', { state: step }));
}

/** Goes on, and a step back does not lead here again. */
export function goOn(path: string): void {
  history.replaceState({}, '', path);
  dispatchEvent(new PopStateEvent('popstate', { state: {} }));
}

/** The address that this page was asked to lead back to; only ever one of our own. */
export function cameFrom(state: unknown = history.state): string {
  const from = typeof state === 'object' && state !== null ? (state as Step).from : undefined;
  return typeof from === 'string' && /^\/(?![/\\])/.test(from) ? from : '/';
}

/** For a link's click: goes there without loading the app again, unless another tab was meant. */
export function follow(event: MouseEvent & { currentTarget: HTMLAnchorElement }, step: Step = {}): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(event.currentTarget.pathname, step);
}
