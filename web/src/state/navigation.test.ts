import { describe, expect, it, vi } from 'vitest';
import { cameFrom, follow, go } from './navigation.ts';

/** As much of a browser as steps need. */
function browser() {
  const seen: string[] = [];
  const location = { pathname: '/' };
  vi.stubGlobal('history', { pushState: (_state: object, _title: string, to: string) => (location.pathname = to) });
  vi.stubGlobal('PopStateEvent', class {});
  vi.stubGlobal('dispatchEvent', () => seen.push(location.pathname));
  return seen;
}

it('says where it went', () => {
  const seen = browser();
  go('/settings');
  expect(seen).toEqual(['/settings']);
});

it('follows plain clicks, and leaves those for another tab to the browser', () => {
  const seen = browser();
  const click = (keys: object) => {
    const event = { button: 0, currentTarget: { pathname: '/history' }, preventDefault: vi.fn(), ...keys };
    follow(event as never);
    return event.preventDefault.mock.calls.length;
  };
  expect([{ ctrlKey: true }, { metaKey: true }, { shiftKey: true }, { altKey: true }, { button: 1 }, { defaultPrevented: true }].map(click)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(seen).toEqual([]);
  expect(click({})).toBe(1);
  expect(seen).toEqual(['/history']);
});

describe('cameFrom', () => {
  it('leads back', () => {
    expect(cameFrom({ from: '/Jx0Yq3o2TrmD5n8ZkV1b7A#secret' })).toBe('/Jx0Yq3o2TrmD5n8ZkV1b7A#secret');
  });

  it('leads nowhere else', () => {
    for (const from of ['https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)', '', 7, null, undefined]) {
      expect(cameFrom({ from })).toBe('/');
    }
    for (const state of [null, undefined, 'x', {}]) expect(cameFrom(state)).toBe('/');
  });
});
