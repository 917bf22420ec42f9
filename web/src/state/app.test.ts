import { expect, it, vi } from 'vitest';
import { App } from './app.svelte.ts';

/** What the app needs of a browser's window. Its server answers nothing. */
function browser(pathname: string) {
  const listeners = new Map<string, () => void>();
  const location = { origin: 'https://dialtone.test', pathname, hash: '' };
  const storage = new Map<string, string>();
  const never = () => new Promise(() => undefined);
  const globals = {
    location,
    window: { isSecureContext: true },
    history: { pushState: (_state: null, _title: string, to: string) => (location.pathname = new URL(to, location.origin).pathname) },
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
      location.pathname = to;
      listeners.get('popstate')!();
    },
  };
}

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
