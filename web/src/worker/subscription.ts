// The subscription of this browser, as the page and the service worker make it.
import { toBase64Url } from '../rtc/index.ts';
import type { ApiClient, ApiError } from '../state/api.ts';

/** The part of `PushManager` that is used here. */
export interface Manager {
  getSubscription(): Promise<PushSubscription | null>;
  subscribe(options: PushSubscriptionOptionsInit): Promise<PushSubscription>;
}

/** Subscribes for the key of this server, and tells the server. What the browser refuses is thrown. */
export async function renew(manager: Manager, api: ApiClient): Promise<ApiError | null> {
  const answer = await api.push.key();
  if (!answer.ok) return answer.error;
  const { endpoint = '', keys = {} } = (await subscribe(manager, answer.value.key)).toJSON();
  const { p256dh = '', auth = '' } = keys;
  const told = await api.push.subscribe({ endpoint, keys: { p256dh, auth } });
  return told.ok ? null : told.error;
}

/** A subscription that was made for another key, as of a server that was set up anew, is replaced. */
async function subscribe(manager: Manager, key: string): Promise<PushSubscription> {
  const before = await manager.getSubscription();
  if (before) {
    const old = before.options.applicationServerKey;
    if (old && toBase64Url(new Uint8Array(old)) === key) return before;
    await before.unsubscribe();
  }
  return manager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}
