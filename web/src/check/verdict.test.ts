// From what was measured to what is said, without a browser.
import { describe, expect, it } from 'vitest';
import { isCheckKey, tc } from '../state/i18n/check.ts';
import { t } from '../state/i18n/index.ts';
import { NOTHING_YET, type Facts, type LineFact, type WayFact } from './facts.ts';
import { findingsOf, type Words } from './findings.ts';
import { placeOf } from './places.ts';
import { reportOf } from './report.ts';
import { verdictOf } from './verdict.ts';

const WHERE = { host: 'calls.example.org', browser: 'chromium' } as const;
const STUN = placeOf('stun:192.0.2.1:3478')!;
const STUN6 = placeOf('stun:[2001:db8::1]:3478')!;
const way = (url: string, works: boolean): WayFact => ({ place: placeOf(url)!, works });
const ways = (udp: boolean, tcp: boolean, tls: boolean) => [
  way('turn:192.0.2.1:3478?transport=udp', udp),
  way('turn:192.0.2.1:3478?transport=tcp', tcp),
  way('turns:calls.example.org:8443?transport=tcp', tls),
];
const LINE: LineFact = { by: 'udp', roundTripMs: 20, jitterMs: 2, loss: 0, throughput: 1_590_000, capped: true };
const GOOD: Facts = {
  ...NOTHING_YET,
  camera: 'works',
  microphone: 'works',
  server: { answer: 'yes' },
  socket: true,
  stun: { asked: [STUN], silent: [], mappings: [{ address: '203.0.113.7', port: 5000, base: '10.0.0.2 4000' }] },
  ways: ways(true, true, true),
  line: LINE,
};
const SILENT = { asked: [STUN], silent: [STUN.url], mappings: [] };

const say = ({ key, values = {} }: Words) => (isCheckKey(key) ? tc(key, values) : t(key, values)).replace(/[\u2068\u2069]/g, '');
const names = (facts: Facts) => Object.fromEntries(findingsOf(facts, WHERE).map(({ check, level }) => [check, level]));

describe('the verdict', () => {
  it.each<[string, Partial<Facts>, string, RegExp]>([
    ['good', {}, 'good', /^You can call from here\.$/],
    ['tcp', { stun: SILENT, ways: ways(false, true, true) }, 'warning', /relay by TCP/],
    ['tls', { stun: SILENT, ways: ways(false, false, true) }, 'warning', /TLS on port 8443/],
    ['direct', { ways: ways(false, false, false), line: null }, 'warning', /direct path/],
    ['no_path', { stun: SILENT, ways: ways(false, false, false), line: null }, 'problem', /neither STUN nor the relay/],
    ['no_relay', { ways: [], line: null }, 'problem', /offers no relay/],
    ['no_websocket', { socket: false }, 'problem', /WebSocket/],
    ['no_server', { ...NOTHING_YET, server: { answer: 'offline' } }, 'problem', /server does not answer/],
    ['later', { server: { answer: 'limit', waitMs: 7_200 }, ways: null, stun: null, line: null }, 'warning', /too many checks/],
    ['refused', { server: { answer: 'refused', status: 503 }, ways: null, stun: null, line: null }, 'problem', /not in order/],
    ['unheard', { microphone: 'denied' }, 'problem', /nobody would hear you/],
    ['unseen', { camera: 'missing' }, 'warning', /nobody will see you/],
    ['deaf', { speaker: false }, 'problem', /hear nobody/],
    ['poor', { line: { ...LINE, loss: 0.2 } }, 'warning', /line is bad/],
    ['fair', { line: { ...LINE, throughput: 600_000, capped: false } }, 'warning', /not the best/],
    ['no_webrtc', { ...NOTHING_YET, webrtc: false }, 'problem', /cannot make calls/],
    ['insecure', { ...NOTHING_YET, secure: false }, 'problem', /secure address/],
  ])('is %s', (name, change, level, sentence) => {
    const verdict = verdictOf({ ...GOOD, ...change }, WHERE);
    expect(verdict).toMatchObject({ name, level });
    expect(say(verdict.sentence)).toMatch(sentence);
  });

  it('tells the worst first: without a way out, nobody asks for a better microphone', () => {
    const nothing = { ...GOOD, stun: SILENT, ways: ways(false, false, false), line: null, microphone: 'denied' as const };
    expect(verdictOf(nothing, WHERE).name).toBe('no_path');
    expect(verdictOf({ ...GOOD, ways: ways(false, true, true), microphone: 'denied' }, WHERE).name).toBe('unheard');
  });

  it('says what to do wherever people cannot call', () => {
    for (const change of [{ ways: [] }, { stun: SILENT, ways: ways(false, false, false) }, { socket: false }] as Partial<Facts>[]) {
      expect(verdictOf({ ...GOOD, ...change }, WHERE).remedy).toBeDefined();
    }
  });
});

describe('findings', () => {
  it('are all good at home', () => {
    expect(new Set(Object.values(names({ ...GOOD, speaker: true })))).toEqual(new Set(['good', 'note']));
    expect(names(GOOD)).toMatchObject({ relay_udp: 'good', relay_tcp: 'good', relay_tls: 'good', nat: 'note', ip: 'good', throughput: 'good' });
  });

  it('count a way that is missing by what is lost with it', () => {
    expect(names({ ...GOOD, ways: ways(true, false, false) })).toMatchObject({ relay_udp: 'good', relay_tcp: 'note', relay_tls: 'note' });
    expect(names({ ...GOOD, ways: ways(false, true, false) })).toMatchObject({ relay_udp: 'warning', relay_tcp: 'good', relay_tls: 'note' });
    expect(names({ ...GOOD, ways: ways(false, false, false) })).toMatchObject({ relay_udp: 'problem', relay_tcp: 'problem', relay_tls: 'problem' });
    const plain = ways(false, false, false).slice(0, 2);
    expect(names({ ...GOOD, ways: plain })).toMatchObject({ relay_tls: 'warning' });
  });

  it('say what to do unless nothing is wrong', () => {
    const bad: Facts = { ...GOOD, camera: 'busy', stun: SILENT, ways: ways(false, false, true), line: { ...LINE, jitterMs: 95 }, socket: false, speaker: false };
    for (const finding of findingsOf(bad, WHERE)) {
      if (finding.level === 'warning' || finding.level === 'problem') expect(finding.remedy, finding.check).toBeDefined();
    }
  });

  it('know IPv4 from IPv6', () => {
    const both = { ...GOOD, stun: { asked: [STUN, STUN6], silent: [], mappings: [] } };
    expect(findingsOf(both, WHERE).find(({ check }) => check === 'ip')!.message[0]!.key).toBe('check.ip.both');
    const one = { ...both, stun: { ...both.stun, silent: [STUN6.url] } };
    expect(findingsOf(one, WHERE).find(({ check }) => check === 'ip')).toMatchObject({ level: 'note', message: [{ values: { one: 'IPv4', other: 'IPv6' } }] });
    expect(findingsOf(GOOD, WHERE).find(({ check }) => check === 'ip')!.message[0]!.key).toBe('check.ip.only');
  });
});

it('is reported as text, with nothing that is not on the page', () => {
  const facts = { ...GOOD, stun: SILENT, ways: ways(false, true, true) };
  const report = reportOf(
    { head: ['Dialtone 0.1.0 at calls.example.org'], verdict: verdictOf(facts, WHERE), findings: findingsOf(facts, WHERE) },
    { say, level: (level) => tc(`check.level.${level}`) },
  );
  expect(report).toContain('Dialtone 0.1.0 at calls.example.org\n\nYou can call from here, through the relay by TCP');
  expect(report).toContain('Warning: TURN does not answer by UDP (port 3478). Calls go by TCP,');
  expect(report).toContain('\n  → If you run this network, let UDP out to port 3478');
  expect(report).not.toMatch(/192\.0\.2|10\.0\.0|turns?:|stun:/);
});
