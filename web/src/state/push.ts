// Calls that reach this device while no page is open: whether they do, and turning it on and off.
import { consoleLog, type Rings } from '../rtc/index.ts';
import { tagOf } from '../worker/notification.ts';
import { renew } from '../worker/subscription.ts';
import { account } from './account.svelte.ts';
import { browserKind } from './deviceProblem.ts';
import { language, type Key } from './i18n/index.ts';
import { local } from './stored.ts';

/**
 * `unsupported`: the browser has no push messages. `install`: it has them for installed apps alone,
 * as on an iPhone. `denied`: the person has forbidden notifications, and only they can allow them
 * again. `off` and `on`: as they chose.
 */
export type PushState = 'unsupported' | 'install' | 'denied' | 'off' | 'on';

/** What turning it on has come to; everything but `on` says what is in the way. */
export type PushOutcome = PushState | 'offline' | 'failed';

/** Who wanted it on this browser. A subscription is somebody's: nobody else's calls ring by it. */
const KEY = 'dialtone.push';
const WORKER = '/sw.js';

export async function pushState(): Promise<PushState> {
  const { serviceWorker, userAgent, maxTouchPoints } = navigator;
  if (!serviceWorker || !('PushManager' in globalThis) || !('Notification' in globalThis)) {
    return browserKind(userAgent, maxTouchPoints) === 'ios' && !isInstalled() ? 'install' : 'unsupported';
  }
  if (Notification.permission === 'denied') return 'denied';
  const user = account.me?.user;
  if (!user || local.getItem(KEY) !== user || Notification.permission !== 'granted') return 'off';
  return (await subscription()) ? 'on' : 'off';
}

/** Has to come of a click: the browser asks the person. */
export async function enablePush(): Promise<PushOutcome> {
  const before = await pushState();
  const user = account.me?.user;
  if (!user || (before !== 'off' && before !== 'on')) return before;
  if ((await Notification.requestPermission()) !== 'granted') return pushState();
  local.setItem(KEY, user);
  return refresh();
}

/** Nothing rings here any more while no page is open. */
export async function disablePush(): Promise<void> {
  local.removeItem(KEY);
  const known = await subscription();
  if (!known) return;
  // Both, also when one fails: each alone is enough.
  await Promise.allSettled([account.api.push.unsubscribe(known.endpoint), known.unsubscribe()]);
}

/**
 * Keeps what was chosen: subscriptions wear out, servers are set up anew, and who signs out, or
 * lets somebody else sign in, does not want calls to ring here.
 */
export function keepPush(): () => void {
  if (account.me) renewPush();
  return account.subscribe(renewPush);
}

/** Once more: also when another language is spoken, which the worker has to be told. */
export function renewPush(): void {
  keep().catch((error: unknown) => consoleLog('push messages', error));
}

async function keep(): Promise<void> {
  const owner = local.getItem(KEY);
  if (owner === null || !navigator.serviceWorker) return;
  if (account.me?.user !== owner) return disablePush();
  if (Notification.permission === 'granted') await refresh();
}

async function refresh(): Promise<PushOutcome> {
  try {
    // The worker reads nothing that this page has stored, so its address says which language it speaks.
    await navigator.serviceWorker.register(`${WORKER}?lang=${language()}`);
    const { pushManager } = await navigator.serviceWorker.ready;
    const error = await renew(pushManager, account.api);
    if (error) return error.code === 'offline' ? 'offline' : 'failed';
    return 'on';
  } catch (error) {
    // The push service cannot be reached, or the browser has none after all.
    consoleLog('push messages', error);
    return 'failed';
  }
}

async function subscription(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker?.getRegistration(WORKER);
  return (await registration?.pushManager?.getSubscription()) ?? null;
}

function isInstalled(): boolean {
  return matchMedia('(display-mode: standalone)').matches;
}

/** A sentence for each, under the switch. */
export const pushText: Readonly<Record<PushOutcome, Key>> = {
  unsupported: 'push.unsupported',
  install: 'push.install',
  denied: 'push.denied',
  off: 'push.off',
  on: 'push.on',
  offline: 'push.offline',
  failed: 'push.failed',
};

// ---- what was shown while nobody looked ----

/** A notification has opened the app on a ring, which the server tells of as well: it rings by itself. */
export function forgetOpening(): void {
  if (!new URLSearchParams(location.search).has('ring')) return;
  // A reload is not another call.
  history.replaceState(history.state, '', location.pathname + location.hash);
}

/** What does not ring here any more is not shown any more either, whatever a push message has shown. */
export function followRings(rings: Rings): () => void {
  let before = new Set<string>();
  return rings.subscribe((snapshot) => {
    const now = new Set(snapshot.rings.map(({ ring }) => ring));
    for (const ring of before) if (!now.has(ring)) void closeNotification(ring).catch(() => undefined);
    before = now;
  });
}

async function closeNotification(ring: string): Promise<void> {
  const registration = await navigator.serviceWorker?.getRegistration(WORKER);
  const shown = (await registration?.getNotifications({ tag: tagOf(ring) })) ?? [];
  for (const notification of shown) notification.close();
}
