import { expect, it } from 'vitest';
import { actionOf, isTalkKey } from './shortcuts.ts';

const press = (key: string, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, repeat: false, ...more });

it('knows the keys', () => {
  expect(actionOf(press('m'), false, true)).toBe('microphone');
  expect(actionOf(press('V'), false, true)).toBe('camera');
  expect(actionOf(press('?'), false, true)).toBe('help');
});

it('leaves letters to whoever types, and when switched off', () => {
  expect(actionOf(press('m'), true, true)).toBeNull();
  expect(actionOf(press('m'), false, false)).toBeNull();
  expect(actionOf(press('Escape'), true, false)).toBe('close');
});

it("leaves the browser's own shortcuts and held keys alone", () => {
  expect(actionOf(press('v', { ctrlKey: true }), false, true)).toBeNull();
  expect(actionOf(press('m', { repeat: true }), false, true)).toBeNull();
});

it('the space bar talks, unless it presses a control, types, or is switched off', () => {
  expect(isTalkKey(press(' '), false, true)).toBe(true);
  expect(isTalkKey(press(' ', { repeat: true }), false, true), 'held').toBe(true);
  expect(isTalkKey(press(' '), true, true)).toBe(false);
  expect(isTalkKey(press(' '), false, false)).toBe(false);
  expect(isTalkKey(press(' ', { ctrlKey: true }), false, true)).toBe(false);
});
