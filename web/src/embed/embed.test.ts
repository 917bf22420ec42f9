import { describe, expect, it } from 'vitest';
import { eventsOf } from './events.ts';
import { callAddress, newLink } from './link.ts';
import { HANG_UP, HELLO, isHangUp, isHello, openingMessage, readNews, readOpening, type News } from './messages.ts';

const SERVER = 'https://calls.example.org';
const ROOM = 'Jx0Yq3o2TrmD5n8ZkV1b7A';
const SECRET = 'aQ4w7E0r3T6y9U2i5O8p1Q';

const RUBBISH: unknown[] = [null, undefined, 0, 'open', [], {}, { type: 'open' }, { 'dialtone-call': { open: 1 } }, () => 0];

describe('the link of a call', () => {
  it('is one of this server, with or without its secret', () => {
    expect(callAddress(`${SERVER}/${ROOM}#${SECRET}`, SERVER)).toBe(`${SERVER}/${ROOM}#${SECRET}`);
    expect(callAddress(`/${ROOM}`, SERVER)).toBe(`${SERVER}/${ROOM}`);
    expect(callAddress(newLink(SERVER), SERVER)).toMatch(/^https:\/\/calls\.example\.org\/[\w-]{22}#[\w-]{22}$/);
  });

  it('carries nothing else along', () => {
    expect(callAddress(`${SERVER}/${ROOM}?join=x#${SECRET}`, SERVER)).toBe(`${SERVER}/${ROOM}#${SECRET}`);
    expect(callAddress(`https://ada:pw@calls.example.org/${ROOM}#<script>`, SERVER)).toBe(`${SERVER}/${ROOM}`);
  });

  it.each([
    '',
    'no link',
    `${SERVER}/`,
    `${SERVER}/admin`,
    `${SERVER}/${ROOM}/admin`,
    `https://evil.example/${ROOM}#${SECRET}`,
    `https://calls.example.org.evil.example/${ROOM}`,
    `http://calls.example.org/${ROOM}`,
    `${SERVER}:8443/${ROOM}`,
    `//evil.example/${ROOM}`,
    `\\\\evil.example/${ROOM}`,
    `javascript:alert(1)//${ROOM}`,
    `data:text/html,${ROOM}`,
    'https://[',
  ])('is not %j', (link) => {
    expect(callAddress(link, SERVER)).toBeNull();
  });

  it('is one of this server, whatever is written', () => {
    // Always the same, and odd enough: a generator of Park and Miller.
    let seed = 7;
    const next = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
    const parts = [SERVER, ROOM, SECRET, '/', '#', '?', '@', ':', '\\', '.', '//', 'https:', 'evil.example', '%2f', ' ', '\n', 'é', '..'];
    let found = 0;
    for (let tries = 0; tries < 20_000; tries += 1) {
      const link = Array.from({ length: 1 + next(8) }, () => parts[next(parts.length)]).join('');
      const address = callAddress(link, SERVER);
      if (address === null) continue;
      found += 1;
      expect(address).toMatch(/^https:\/\/calls\.example\.org\/[\w-]{22}(#[\w-]{22})?$/);
    }
    expect(found).toBeGreaterThan(100);
  });

  it('is nothing where the server is not known', () => {
    expect(callAddress(`${SERVER}/${ROOM}`, '')).toBeNull();
  });
});

describe('messages', () => {
  it('are read as they were sent', () => {
    const opening = { name: 'Ada', token: 'dialtone_join_x', language: 'de' };
    expect(readOpening(openingMessage(opening))).toEqual(opening);
    expect(isHello(HELLO)).toBe(true);
    expect(isHangUp(HANG_UP)).toBe(true);
    const news: News = { state: 'active', joined: true, path: 'direct', peers: 1, refused: false, reason: '' };
    expect(readNews({ ...news })).toEqual(news);
  });

  it('are nothing if they are not ours', () => {
    for (const data of RUBBISH) {
      expect(isHello(data)).toBe(false);
      expect(isHangUp(data)).toBe(false);
      expect(readOpening(data)).toBeNull();
      expect(readNews(data)).toBeNull();
    }
  });

  it('keep what is odd in them to themselves', () => {
    expect(readOpening({ 'dialtone-call': 'open', name: {}, language: 'x'.repeat(5000) })).toEqual({ name: '', token: '', language: '' });
    expect(readNews({ state: 'exploded', joined: true })).toBeNull();
    expect(readNews({ state: 'active', joined: 'yes', peers: 1.5, path: [] })).toEqual({
      state: 'active',
      joined: false,
      path: '',
      peers: 0,
      refused: false,
      reason: '',
    });
  });
});

describe('events', () => {
  const news = (change: Partial<News>): News => ({ state: 'lobby', joined: false, path: '', peers: 0, refused: false, reason: '', ...change });
  const types = (...all: News[]) =>
    all.flatMap((after, index) => eventsOf(all[index - 1] ?? null, after).map(({ type }) => type));

  it('tell a whole call', () => {
    const told = types(
      news({}),
      news({ state: 'connecting' }),
      news({ state: 'connecting', joined: true }),
      news({ state: 'connecting', joined: true, peers: 1 }),
      news({ state: 'active', joined: true, peers: 1, path: 'direct' }),
      news({ state: 'ended', reason: 'hangup' }),
    );
    expect(told).toEqual([
      'ready', 'statechange',
      'statechange',
      'joined',
      'peerjoined',
      'statechange',
      'peerleft', 'statechange', 'ended',
    ]);
  });

  it('say why it is over, also if one never came in', () => {
    expect(eventsOf(news({}), news({ state: 'ended', reason: 'call_full' })).at(-1)).toEqual({ type: 'ended', detail: { reason: 'call_full' } });
    expect(types(news({ state: 'ended' }), news({ state: 'ended' }))).toEqual(['ready', 'statechange', 'ended']);
  });

  it('say once that a token is good no more', () => {
    const refused = news({ refused: true });
    expect(eventsOf(news({}), refused)).toMatchObject([{ type: 'error', detail: { code: 'bad_token' } }]);
    expect(eventsOf(refused, { ...refused })).toEqual([]);
  });

  it('come once', () => {
    const same = news({ state: 'active', joined: true, peers: 1 });
    expect(eventsOf(same, { ...same })).toEqual([]);
  });
});
