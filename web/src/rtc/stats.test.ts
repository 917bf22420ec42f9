import { expect, it } from 'vitest';
import { pathOf, selectedPair, type Stat } from './path.ts';
import { QualityMeter } from './stats.ts';

function report(...stats: Stat[]): Map<string, Stat> {
  return new Map(stats.map((stat) => [stat.id, stat]));
}

function pairOf(local: string, remote: object): Map<string, Stat> {
  return report(
    { id: 't', type: 'transport', selectedCandidatePairId: 'p' },
    { id: 'p', type: 'candidate-pair', localCandidateId: 'l', remoteCandidateId: 'r' },
    { id: 'l', type: 'local-candidate', candidateType: local },
    { id: 'r', type: 'remote-candidate', ...remote },
  );
}

const relays = new Set(['203.0.113.10:50000']);

it.each([
  ['host', { candidateType: 'host' }, 'direct'],
  ['relay', { candidateType: 'host' }, 'relay'],
  ['host', { candidateType: 'relay' }, 'relay'],
  ['prflx', { candidateType: 'prflx', address: '203.0.113.10', port: 50_000 }, 'relay'],
  ['prflx', { candidateType: 'prflx', address: '203.0.113.10', port: 50_001 }, 'direct'],
  ['host', { candidateType: 'prflx', address: '198.51.100.1', port: 50_000 }, 'direct'],
  ['host', { candidateType: 'prflx', address: '', port: 50_000 }, 'relay'],
])('a local %s candidate with a remote %o makes it %s', (local, remote, path) => {
  expect(pathOf(pairOf(local, remote), relays)).toBe(path);
});

it('knows no path before there is one', () => {
  expect(pathOf(report(), relays)).toBe(null);
});

it('finds the pair in browsers that mark it otherwise', () => {
  const pair = { id: 'p', type: 'candidate-pair', state: 'succeeded', nominated: true };
  expect(selectedPair(report({ id: 'x', type: 'candidate-pair', state: 'failed' }, pair))).toBe(pair);
});

function inbound(packetsReceived: number, packetsLost: number, jitter = 0): Map<string, Stat> {
  return report({ id: 'i', type: 'inbound-rtp', packetsReceived, packetsLost, jitter });
}

it('measures loss since the last time, not since the start', () => {
  const meter = new QualityMeter();
  expect(meter.sample(inbound(100, 0))).toMatchObject({ label: 'good', loss: 0 });
  expect(meter.sample(inbound(180, 20))).toMatchObject({ label: 'poor', loss: 0.2 });
  expect(meter.sample(inbound(275, 25))).toMatchObject({ label: 'fair', loss: 0.05 });
  expect(meter.sample(inbound(375, 25))).toMatchObject({ label: 'good', loss: 0 });
});

it('takes the worse of the two directions, and jitter in milliseconds', () => {
  const outbound = { id: 'o', type: 'remote-inbound-rtp', fractionLost: 0.05 };
  const stats = new Map([...inbound(100, 0, 0.05), ...report(outbound)]);
  expect(new QualityMeter().sample(stats)).toMatchObject({ label: 'fair', loss: 0.05, jitterMs: 50 });
});

it('counts what flows between two reports, and names the largest picture that moves', () => {
  const at = (timestamp: number, bytesReceived: number, bytesSent: number) =>
    report(
      { id: 'a', type: 'inbound-rtp', kind: 'audio', timestamp, bytesReceived: bytesReceived / 2 },
      { id: 'v', type: 'inbound-rtp', kind: 'video', timestamp, bytesReceived: bytesReceived / 2, frameHeight: 360, framesPerSecond: 25 },
      { id: 'o', type: 'outbound-rtp', kind: 'video', timestamp, bytesSent, frameHeight: 720, framesPerSecond: 30 },
      { id: 's', type: 'outbound-rtp', kind: 'video', timestamp, bytesSent: 0, frameHeight: 1080 },
    );
  const meter = new QualityMeter();
  expect(meter.sample(at(1_000, 5_000, 0)).received).toEqual({ kbits: null, lines: 360, rate: 25 });
  const { received, sent } = meter.sample(at(3_000, 15_000, 250_000));
  expect(received).toEqual({ kbits: 40, lines: 360, rate: 25 });
  expect(sent).toEqual({ kbits: 1_000, lines: 720, rate: 30 });
});

it('says of no flow that it does not know', () => {
  expect(new QualityMeter().sample(inbound(1, 0)).sent).toEqual({ kbits: null, lines: null, rate: null });
});
