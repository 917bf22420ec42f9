import { describe, expect, it } from 'vitest';
import { toBase64Url } from '../rtc/index.ts';
import { ApiClient } from '../state/api.ts';
import { renew, type Manager } from './subscription.ts';

const KEY = toBase64Url(Uint8Array.of(4, ...new Array<number>(64).fill(7)));
const OTHER = toBase64Url(Uint8Array.of(4, ...new Array<number>(64).fill(8)));

/** A browser with its push service. */
class FakeManager implements Manager {
  current: (PushSubscription & { gone?: boolean }) | null = null;
  made = 0;

  async getSubscription() {
    return this.current;
  }

  async subscribe({ userVisibleOnly, applicationServerKey }: PushSubscriptionOptionsInit) {
    if (!userVisibleOnly) throw new TypeError('it must be visible');
    if (this.current) throw new DOMException('there is one for another key', 'InvalidStateError');
    this.made += 1;
    const endpoint = `https://push.example.org/${this.made}`;
    const bytes = Uint8Array.from(atob(String(applicationServerKey).replaceAll('-', '+').replaceAll('_', '/')), (c) =>
      c.charCodeAt(0),
    );
    this.current = {
      endpoint,
      options: { userVisibleOnly: true, applicationServerKey: bytes.buffer },
      toJSON: () => ({ endpoint, keys: { p256dh: 'P', auth: 'A' } }),
      unsubscribe: async () => {
        this.current = null;
        return true;
      },
    } as unknown as PushSubscription;
    return this.current;
  }
}

function server(key: string, refusal = 0) {
  const told: unknown[] = [];
  const fetch = async (url: string | URL | Request, init?: RequestInit) => {
    if (String(url).endsWith('/push/key')) return Response.json({ key });
    if (refusal) return Response.json({ code: 'bad_address', message: 'Not this one.' }, { status: refusal });
    told.push(JSON.parse(String(init?.body)));
    return new Response(null, { status: 204 });
  };
  return { told, api: new ApiClient({ origin: 'https://here.example.org', fetch: fetch as typeof globalThis.fetch }) };
}

describe('renewing a subscription', () => {
  it('makes one for the key of the server, and tells the server', async () => {
    const manager = new FakeManager();
    const { api, told } = server(KEY);
    expect(await renew(manager, api)).toBeNull();
    expect(told).toEqual([{ endpoint: 'https://push.example.org/1', keys: { p256dh: 'P', auth: 'A' } }]);
  });

  it('keeps one that is good, and tells the server again', async () => {
    const manager = new FakeManager();
    const { api, told } = server(KEY);
    await renew(manager, api);
    await renew(manager, api);
    expect(manager.made).toBe(1);
    expect(told).toHaveLength(2);
  });

  it('replaces one of another key', async () => {
    const manager = new FakeManager();
    await renew(manager, server(OTHER).api);
    const { api, told } = server(KEY);
    expect(await renew(manager, api)).toBeNull();
    expect(told).toMatchObject([{ endpoint: 'https://push.example.org/2' }]);
  });

  it('says what the server does not like', async () => {
    const error = await renew(new FakeManager(), server(KEY, 400).api);
    expect(error).toMatchObject({ status: 400, code: 'bad_address' });
  });
});
