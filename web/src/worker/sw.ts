// The service worker: shows calls to people who are not looking, and opens the app on them.
//
// It answers no requests and caches nothing. The app is nothing without its server, so there is
// nothing to gain offline, and no page can ever run code that is older than the server.
import { DeviceKey, Signaling } from '../rtc/index.ts';
import { ApiClient } from '../state/api.ts';
import { isLanguage, pickLanguage } from '../state/i18n/languages.ts';
import { readMessage } from './message.ts';
import { pictureOf, tagOf, type Shown } from './notification.ts';
import { renew } from './subscription.ts';

declare const self: ServiceWorkerGlobalScope;

/** Longer than a connection over a bad network takes; a browser ends a worker that takes longer. */
const DECLINE_MS = 20_000;

self.addEventListener('install', () => void self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('push', (event) => event.waitUntil(show(event.data?.text() ?? '')));
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(clicked(event.notification.data as Shown | null, event.action));
});
// Not in the types, since browsers disagree about what comes with it; nothing of that is used.
self.addEventListener('pushsubscriptionchange' as 'activate', (event) => event.waitUntil(renewed()));

async function show(text: string): Promise<void> {
  const message = readMessage(text);
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const shown = message ? await self.registration.getNotifications({ tag: tagOf(message.ring) }) : [];
  const knownOver = shown.some(({ data }) => (data as Shown | null)?.over === true);
  const watched = pages.some(({ focused }) => focused);
  const { title, options } = pictureOf(message, { now: Date.now(), knownOver, watched, language: language() });
  await self.registration.showNotification(title, options);
}

/** The page tells by the worker's own address what was chosen there; otherwise as the browser asks. */
function language() {
  const chosen = new URL(self.location.href).searchParams.get('lang') ?? '';
  return isLanguage(chosen) ? chosen : pickLanguage(self.navigator.languages);
}

async function clicked(shown: Shown | null, action: string): Promise<void> {
  if (shown && action === 'decline') return decline(shown.ring);
  const ring = shown && !shown.over ? shown.ring : null;
  const [page] = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (!page) return void (await self.clients.openWindow(ring ? `/?ring=${encodeURIComponent(ring)}` : '/'));
  // The page is connected, and rings by itself. Not every browser lets us bring it to the front.
  await page.focus().catch(() => undefined);
}

/** For this no page has to open: a session of a moment says it. */
async function decline(ring: string): Promise<void> {
  const signaling = new Signaling({ origin: self.location.origin, device: DeviceKey.create() });
  const late = new Promise((done) => setTimeout(done, DECLINE_MS));
  signaling.start();
  // Refused: it is over already, and that is what was wanted.
  await Promise.race([signaling.request({ t: 'decline', ring }).catch(() => undefined), late]);
  signaling.stop();
}

/** The push service has changed its mind about the address: the server is told the new one. */
async function renewed(): Promise<void> {
  await renew(self.registration.pushManager, new ApiClient({ origin: self.location.origin }));
}
