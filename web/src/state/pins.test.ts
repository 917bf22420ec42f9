import { beforeEach, expect, it } from 'vitest';
import { Pins } from './pins.ts';

let stored: Map<string, string>;
const storage = () => ({
  getItem: (key: string) => stored.get(key) ?? null,
  setItem: (key: string, value: string) => void stored.set(key, value),
  removeItem: (key: string) => void stored.delete(key),
});

beforeEach(() => (stored = new Map()));

it('remembers devices from call to call, and says when one is new', () => {
  const pins = new Pins('ada', storage());
  expect([pins.knows('ben'), pins.standing('ben', 'phone')]).toEqual([false, 'first']);
  pins.met('ben', 'phone');
  const later = new Pins('ada', storage());
  expect([later.knows('ben'), later.standing('ben', 'phone'), later.standing('ben', 'laptop')]).toEqual([true, 'known', 'new']);
  expect(later.standing('cem', 'phone')).toBe('first');
});

it('keeps what was compared', () => {
  const pins = new Pins('ada', storage());
  pins.met('ben', 'phone', true);
  pins.met('ben', 'phone');
  pins.met('ben', 'laptop');
  expect([pins.standing('ben', 'phone'), pins.standing('ben', 'laptop')]).toEqual(['verified', 'known']);
});

it('is of one account', () => {
  new Pins('ada', storage()).met('ben', 'phone');
  expect(new Pins('eve', storage()).knows('ben')).toBe(false);
});

it('forgets those met longest ago, and takes no nonsense for a device', () => {
  const pins = new Pins('ada', storage());
  for (let device = 0; device <= 16; device += 1) pins.met('ben', `device ${device}`);
  expect([pins.standing('ben', 'device 0'), pins.standing('ben', 'device 1')]).toEqual(['new', 'known']);
  for (const text of ['{', '7', 'null', '{"ben":7}', '{"ben":{"phone":"yes"}}', '{"ben":null}']) {
    stored.set('dialtone.pins.ada', text);
    expect(pins.standing('ben', 'phone'), text).toBe('first');
  }
  expect([pins.knows('__proto__'), pins.standing('constructor', 'toString')]).toEqual([false, 'first']);
});
