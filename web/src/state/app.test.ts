import { describe, expect, it, vi } from 'vitest';
import { App } from './app.svelte.ts';
import type { OwnMedia } from './ownMedia.svelte.ts';
import { leaveSeat, rememberSeat } from './seat.ts';

const ROOM = 'Jx0Yq3o2TrmD5n8ZkV1b7A';

/** What the app needs of a browser's window. Its server answers nothing. */
function browser(pathname: string) {
  const listeners = new Map<string, () => void>();
  const location = { origin: 'https://dialtone.test', pathname, hash: '' };
  const show = (to: string): void => {
    const { pathname, hash } = new URL(to, location.origin);
    Object.assign(location, { pathname, hash });
  };
  const storage = new Map<string, string>();
  const never = () => new Promise(() => undefined);
  const globals = {
    location,
    window: { isSecureContext: true },
    history: { pushState: (_state: null, _title: string, to: string) => show(to) },
    document: { addEventListener: () => undefined, removeEventListener: () => undefined, visibilityState: 'visible' },
    addEventListener: (type: string, listener: () => void) => listeners.set(type, listener),
    matchMedia: () => ({ matches: false }),
    fetch: never,
    navigator: { userAgent: '', mediaDevices: { enumerateDevices: async () => [] } },
    sessionStorage: {
      getItem: (key: string) => storage.get(key) ?? null,
      setItem: (key: string, value: string) => storage.set(key, value),
      removeItem: (key: string) => storage.delete(key),
    },
    RTCPeerConnection: class {
      getTransceivers = () => [];
      close = () => undefined;
    },
    MediaStream: class {},
  };
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  return {
    /** Back or forward to this address. */
    go(to: string): void {
      show(to);
      listeners.get('popstate')!();
    },
  };
}

/** Devices whose question to the person is still open. */
function asking(own: OwnMedia): { answer: () => void } {
  let answer = () => undefined as void;
  own.open = () => new Promise<void>((resolve) => (answer = resolve));
  return { answer: () => answer() };
}

const turns = () => new Promise((resolve) => setTimeout(resolve, 5));

it('shows what the address says when one goes back and forward', () => {
  const { go } = browser('/');
  const app = new App();
  app.start();
  const room = location.pathname;
  expect(app.screen).toBe('lobby');
  go('/');
  expect(app.screen).toBe('start');
  go(room);
  expect(app.screen).toBe('lobby');
});

describe('the secret of a link', () => {
  const secret = 'c7Yb2K1sR9e4mQ0zX5vN8w';

  it('is made with the room, and stands in the address and the link', () => {
    browser('/');
    const app = new App();
    app.start();
    expect(location.hash).toMatch(/^#[A-Za-z0-9_-]{22}$/);
    expect(app.link).toBe(`https://dialtone.test${location.pathname}${location.hash}`);
    const first = app.secret;
    app.again();
    expect(app.secret).toBe(first);
    app.go('/');
    app.start();
    expect(app.secret).not.toBe(first);
  });

  it('is taken from the link, and may come later when the link had been cut off', () => {
    const { go } = browser(`/${ROOM}`);
    const app = new App();
    expect([app.secret, app.link]).toEqual(['', `https://dialtone.test/${ROOM}`]);
    go(`/${ROOM}#${secret}`);
    expect([app.screen, app.secret, app.link]).toEqual(['lobby', secret, `https://dialtone.test/${ROOM}#${secret}`]);
  });
});

it('does not join another room than the one where Join was pressed', async () => {
  const { go } = browser(`/${ROOM}`);
  const app = new App();
  const question = asking(app.own);
  const joining = app.join();
  go('/');
  app.own.open = async () => undefined;
  app.start();
  app.own.wanted = { audio: false, video: false };
  question.answer();
  await joining;
  expect(app.screen).toBe('lobby');
  expect(app.joining).toBe(false);
});

it('can be hung up while a reload still waits for the camera', async () => {
  browser(`/${ROOM}`);
  rememberSeat({ room: ROOM, name: 'Ada', media: { audio: true, video: true } });
  leaveSeat(Date.now());
  const question = { answer: () => undefined as void };
  const open = vi.spyOn((await import('./ownMedia.svelte.ts')).OwnMedia.prototype, 'open');
  open.mockImplementation(() => new Promise<void>((resolve) => (question.answer = resolve)));
  const app = new App();
  expect(app.screen).toBe('call');
  app.hangUp();
  expect(app.screen).toBe('after');
  question.answer();
  await turns();
  expect(app.screen).toBe('after');
  open.mockRestore();
});
