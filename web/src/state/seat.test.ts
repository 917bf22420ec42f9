import { expect, it } from 'vitest';
import { forgetSeat, leaveSeat, recallSeat, rememberSeat } from './seat.ts';
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
  leaveSeat(1_000, storage);
  expect(recallSeat('r', 2_000, storage)).toEqual(seat);
  expect(recallSeat('other', 2_000, storage)).toBeNull();
});

it('is good for a moment only: a tab restored the next day begins in the lobby', () => {
  const storage = memory();
  rememberSeat(seat, storage);
  leaveSeat(1_000, storage);
  expect(recallSeat('r', 61_000, storage)).toEqual(seat);
  expect(recallSeat('r', 61_001, storage)).toBeNull();
});

it('is not given while the page that has it is there: a duplicated tab begins in the lobby', () => {
  const storage = memory();
  rememberSeat(seat, storage);
  expect(recallSeat('r', 1_000, storage)).toBeNull();
  leaveSeat(1_000, storage);
  leaveSeat(null, storage);
  expect(recallSeat('r', 1_001, storage)).toBeNull();
});

it('is gone after hanging up', () => {
  const storage = memory();
  rememberSeat(seat, storage);
  forgetSeat(storage);
  leaveSeat(1_000, storage);
  expect(recallSeat('r', 1_000, storage)).toBeNull();
});

it('remembers the call on hold beside it', () => {
  const storage = memory();
  const parked = { room: 'p', secret: '', media: { audio: true, video: true }, person: { user: 'ben', name: 'Ben' } };
  rememberSeat({ ...seat, parked }, storage);
  leaveSeat(1_000, storage);
  expect(recallSeat('r', 1_000, storage)).toEqual({ ...seat, parked });
});

it('survives nonsense', () => {
  const storage = memory();
  for (const nonsense of ['{', '7', '{"room":"r"}', '{"room":"r","name":"","media":{},"left":"now"}']) {
    storage.setItem('dialtone.seat', nonsense);
    expect(recallSeat('r', 1_000, storage)).toBeNull();
    expect(() => leaveSeat(1_000, storage)).not.toThrow();
  }
});
