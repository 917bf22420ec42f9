import { expect, it } from 'vitest';
import { endedReason, endingOf, refusalOf } from './endings.ts';
import { t } from './i18n/index.ts';

const reasons = ['hung_up', 'hangup', 'left', 'connect_failed', 'connection_lost', 'replaced', 'server_stopped',
  'link_needed', 'link_missing', 'unsealed', 'unproven', 'altered'];

it('has its own words for every reason', () => {
  const texts = reasons.map((reason) => t(endingOf(reason).text));
  expect(new Set(texts).size).toBe(reasons.length);
  for (const text of texts) expect(text.length).toBeGreaterThan(10);
});

it('does not break on a reason of a newer server', () => {
  expect(t(endingOf('eaten_by_a_bear').title)).toBe('Call ended');
});

it('says that a call is full, and has words for any refusal', () => {
  expect(t(refusalOf('call_full').title)).toMatch(/two people/i);
  expect(t(refusalOf('whatever').text)).not.toBe('');
});

it('says that a link is closed, where nobody can come back', () => {
  expect(endingOf('kicked').closed).toBe(true);
  expect(endingOf('hangup').closed).toBeUndefined();
  expect(refusalOf('gone')).toMatchObject({ closed: true });
  expect(t(refusalOf('gone').text)).toMatch(/administrator/);
});

it("tells the outside the protocol's words", () => {
  expect(endedReason(null)).toBe('');
  expect(endedReason({ ended: { reason: 'hung_up', durationMs: 0 }, refusal: null })).toBe('hangup');
  expect(endedReason({ ended: { reason: 'left', durationMs: 0 }, refusal: null })).toBe('left');
  expect(endedReason({ ended: null, refusal: { code: 'call_full', message: '' } })).toBe('call_full');
});
