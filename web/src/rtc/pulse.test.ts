import { beforeEach, expect, it } from 'vitest';
import { Pulse } from './pulse.ts';

let now: number;
let pulse: Pulse;

beforeEach(() => {
  now = 1_000_000;
  pulse = new Pulse();
  pulse.tick(now);
  pulse.beat(now);
});

/** Time passes, looked at every so often; how long until it is silent, if it comes to that. */
function pass(ms: number, step = 250): number | null {
  for (let passed = step; passed <= ms; passed += step) {
    now += step;
    pulse.tick(now);
    if (pulse.silent) return passed;
  }
  return null;
}

it('calls it silence before two seconds are over, and doubts it sooner', () => {
  expect(pass(500)).toBe(null);
  expect(pulse.doubtful).toBe(true);
  expect(pass(5_000)).toBe(1_250);
  pulse.beat(now);
  expect([pulse.silent, pulse.doubtful]).toEqual([false, false]);
});

it('counts from the last beat, not from the look before it', () => {
  now += 900;
  pulse.beat(now);
  expect(pass(1_500)).toBe(null);
  expect(pass(250)).toBe(250);
});

it('hears at a second between ticks as well as at a quarter', () => {
  for (let second = 0; second < 60; second += 1) {
    expect(pass(1_000, 1_000)).toBe(null);
    pulse.beat(now);
  }
  expect(pass(10_000, 1_000)).toBe(2_000);
});

it('does not count what it slept through, and waits less long afterwards', () => {
  pass(1_000);
  now += 20_000;
  pulse.tick(now);
  expect(pulse.silent).toBe(true);
  pulse.beat(now);
  expect(pulse.silent).toBe(false);
  now += 20_000;
  pulse.tick(now);
  expect(pulse.silent).toBe(false);
  expect(pass(5_000)).toBe(750);
});

it('judges nothing by ticks a minute apart', () => {
  expect(pass(3_600_000, 60_000)).toBe(null);
});

it('is not fooled by a clock that is set back', () => {
  now -= 3_600_000;
  pulse.tick(now);
  expect(pass(1_500)).toBe(null);
  expect(pass(250)).toBe(250);
});

it('takes anything that arrives for a sign of life, once it knows what had arrived before', () => {
  pass(1_500);
  pulse.arrived(100, now);
  expect(pulse.doubtful).toBe(true);
  pulse.arrived(100, now);
  expect(pulse.doubtful).toBe(true);
  pulse.arrived(101, now);
  expect(pulse.doubtful).toBe(false);
  expect(pass(5_000)).toBe(1_750);
  pulse.arrived(50, now);
  expect(pulse.silent).toBe(true);
});

it('says nothing of somebody who never beats', () => {
  pulse = new Pulse();
  pulse.arrived(1, now);
  pulse.arrived(2, now);
  expect(pass(60_000)).toBe(null);
});
