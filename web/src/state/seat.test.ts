import { expect, it } from 'vitest';
import { forgetSeat, recallSeat, rememberSeat } from './seat.ts';
import type { KeyValue } from './stored.ts';

function memory(): KeyValue {
  const map = new Map<string, string>();
  return {
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
  };
}

const seat = { room: 'r', name: 'Ada', media: { audio: true, video: false } };

it('gives the seat back to the same room only', () => {
  const storage = memory();
  rememberSeat(seat, storage);
  expect(recallSeat('r', storage)).toEqual(seat);
  expect(recallSeat('other', storage)).toBeNull();
});

it('is gone after hanging up', () => {
  const storage = memory();
  rememberSeat(seat, storage);
  forgetSeat(storage);
  expect(recallSeat('r', storage)).toBeNull();
});

it('survives nonsense', () => {
  const storage = memory();
  for (const nonsense of ['{', '7', '{"room":"r"}']) {
    storage.setItem('dialtone.seat', nonsense);
    expect(recallSeat('r', storage)).toBeNull();
  }
});
