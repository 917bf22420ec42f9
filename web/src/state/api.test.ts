import { describe, expect, it, vi } from 'vitest';
import { ApiClient } from './api.ts';

/** A client whose requests are all answered like this, and what it asked. */
function answering(...answers: (() => Response)[]) {
  const asked: { url: string; init: RequestInit }[] = [];
  const fetch = async (url: string | URL | Request, init: RequestInit = {}) => {
    asked.push({ url: String(url), init });
    return (answers[asked.length - 1] ?? answers.at(-1)!)();
  };
  const api = new ApiClient({ origin: 'https://dialtone.test', fetch });
  return { api, asked };
}

const json = (body: unknown, init: ResponseInit = {}) => () => new Response(JSON.stringify(body), init);

describe('answers', () => {
  it('gives what the server said', async () => {
    const { api } = answering(json([{ user: 'u', login: 'ada', name: 'Ada', contact: true, blocked: false }]));
    expect(await api.contacts.list()).toEqual({
      ok: true,
      value: [{ user: 'u', login: 'ada', name: 'Ada', contact: true, blocked: false }],
    });
  });

  it('takes an empty answer to what asks for nothing', async () => {
    const { api } = answering(() => new Response(null, { status: 204 }));
    expect(await api.contacts.add('u')).toEqual({ ok: true, value: undefined });
  });

  it('gives code, sentence and the time to wait of a refusal', async () => {
    const body = { code: 'limit', message: 'Too many attempts.' };
    const { api } = answering(json(body, { status: 429, headers: { 'Retry-After': '30' } }));
    expect(await api.login('ada', 'wrong')).toEqual({
      ok: false,
      error: { status: 429, code: 'limit', message: 'Too many attempts.', retryAfterMs: 30_000 },
    });
  });

  it('is not misled by what is not the API', async () => {
    const { api } = answering(
      () => new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'Retry-After': 'Thu, 01 Jan 2026 00:00:00 GMT' } }),
      () => new Response('<h1>Sign in to the hotel</h1>'),
      json('text', { status: 400 }),
      json(null, { status: 500 }),
      () => new Response(''),
    );
    for (const status of [502, 200, 400, 500, 200]) {
      const error = { status, code: 'unexpected', message: '', retryAfterMs: 0 };
      expect(await api.server()).toEqual({ ok: false, error });
    }
  });

  it('says that the network is gone', async () => {
    const { api } = answering(() => {
      throw new TypeError('Failed to fetch');
    });
    expect(await api.me()).toMatchObject({ ok: false, error: { status: 0, code: 'offline' } });
  });
});

describe('requests', () => {
  it('sends JSON in what changes something, and nothing secret in an address', async () => {
    const { api, asked } = answering(json({}));
    await api.login('ada', 'hunter2 hunter2');
    await api.lookAtInvitation('one-time-token');
    await api.createAccount({ token: 'one-time-token', login: 'ada', name: 'Ada', password: 'hunter2 hunter2' });
    await api.setPassword({ old: 'hunter2 hunter2', new: 'hunter3 hunter3' });
    await api.logout();
    for (const { url, init } of asked) {
      expect(url).toMatch(/^https:\/\/dialtone\.test\/api\/v1\/[a-z/]+$/);
      expect(init.headers).toEqual({ 'content-type': 'application/json' });
      expect(init.method).not.toBe('GET');
    }
    expect(JSON.parse(String(asked[0]!.init.body))).toEqual({ name: 'ada', password: 'hunter2 hunter2' });
  });

  it('escapes what goes into an address', async () => {
    const { api, asked } = answering(json({}));
    await api.people('Ada & Ben/?#');
    await api.devices.revoke('../x');
    await api.history.page('7', 50);
    await api.history.page(null, 50);
    expect(asked.map(({ url }) => url.replace('https://dialtone.test/api/v1', ''))).toEqual([
      '/people?query=Ada+%26+Ben%2F%3F%23',
      '/me/devices/..%2Fx',
      '/history?limit=50&before=7',
      '/history?limit=50',
    ]);
  });
});

describe('a login that is gone', () => {
  it('is noticed at any request that needs it', async () => {
    const { api } = answering(json({ code: 'unauthorized', message: 'Sign in.' }, { status: 401 }));
    api.onSignedOut = vi.fn();
    await api.contacts.list();
    await api.changeMe({ name: 'Ada' });
    expect(api.onSignedOut).toHaveBeenCalledTimes(2);
  });

  it('is not what a wrong password means', async () => {
    const { api } = answering(json({ code: 'wrong_credentials', message: 'No.' }, { status: 401 }));
    api.onSignedOut = vi.fn();
    await api.login('ada', 'wrong');
    await api.setPassword({ old: 'wrong', new: 'hunter3 hunter3' });
    expect(api.onSignedOut).not.toHaveBeenCalled();
  });
});
