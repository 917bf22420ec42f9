import type { Outlook } from './economy.ts';
import { selectedPair, type Stat } from './path.ts';

/** How well the media arrives; the words for people. */
export type QualityLabel = 'good' | 'fair' | 'poor' | 'lost';

/** Measured over the last two seconds; null where the browser does not say. */
export interface Quality {
  label: QualityLabel;
  /** Round trip on the selected candidate pair, in milliseconds. */
  roundTripMs: number | null;
  /** Part of the packets that is missing, 0 to 1; the worse of the two directions. */
  loss: number | null;
  /** Variation of the arrival times, in milliseconds; the worst stream. */
  jitterMs: number | null;
  /** What comes from the other end, and what goes there. */
  received: Flow;
  sent: Flow;
}

/** Sound and picture in one direction; null where there is none, or the browser does not say. */
export interface Flow {
  /** Kilobits per second of sound and picture, without what the network adds. */
  kbits: number | null;
  /** Lines of a frame. */
  lines: number | null;
  /** Frames per second. */
  rate: number | null;
}

/** How often the figures are taken, in milliseconds. */
export const SAMPLE_MS = 2_000;

/** Above the first of each pair a call is `fair`, above the second `poor`. */
export const THRESHOLDS = {
  roundTripMs: [250, 500],
  loss: [0.03, 0.1],
  jitterMs: [40, 90],
} as const;

/** Turns successive reports into figures; keeps the counters of the last one. */
export class QualityMeter {
  #received = 0;
  #lost = 0;
  readonly #counted = { received: { bytes: 0, at: 0 }, sent: { bytes: 0, at: 0 } };

  /** Takes one report. */
  sample(stats: ReadonlyMap<string, Stat>): Quality {
    const inbound = ofType(stats, 'inbound-rtp');
    const figures = {
      roundTripMs: milliseconds(selectedPair(stats)?.['currentRoundTripTime']),
      loss: most([this.#inboundLoss(inbound), ...outboundLoss(stats)]),
      jitterMs: most(inbound.map((stream) => milliseconds(stream['jitter']))),
    };
    const received = this.#flow('received', inbound);
    const sent = this.#flow('sent', ofType(stats, 'outbound-rtp'));
    return { label: label(figures), ...figures, received, sent };
  }

  #flow(way: 'received' | 'sent', streams: Stat[]): Flow {
    const before = this.#counted[way];
    const bytes = sum(streams, way === 'received' ? 'bytesReceived' : 'bytesSent');
    const at = Math.max(0, ...streams.map((stream) => numeric(stream['timestamp']) ?? 0));
    this.#counted[way] = { bytes, at };
    const known = before.at > 0 && at > before.at && bytes >= before.bytes;
    return { kbits: known ? ((bytes - before.bytes) * 8) / (at - before.at) : null, ...picture(streams) };
  }

  #inboundLoss(inbound: Stat[]): number | null {
    const received = sum(inbound, 'packetsReceived') - this.#received;
    const lost = Math.max(0, sum(inbound, 'packetsLost') - this.#lost);
    this.#received += received;
    this.#lost = sum(inbound, 'packetsLost');
    return received + lost > 0 && received >= 0 ? lost / (received + lost) : null;
  }
}

/** The figures of a connection that is down. */
export const LOST: Quality = {
  label: 'lost',
  roundTripMs: null,
  loss: null,
  jitterMs: null,
  received: { kbits: null, lines: null, rate: null },
  sent: { kbits: null, lines: null, rate: null },
};

function label(figures: Pick<Quality, 'roundTripMs' | 'loss' | 'jitterMs'>): QualityLabel {
  const over = (level: 0 | 1) =>
    (['roundTripMs', 'loss', 'jitterMs'] as const).some(
      (name) => (figures[name] ?? 0) > THRESHOLDS[name][level],
    );
  if (over(1)) return 'poor';
  return over(0) ? 'fair' : 'good';
}

/** Of several pictures, the one with the most lines that moves. */
function picture(streams: Stat[]): Pick<Flow, 'lines' | 'rate'> {
  const moving = streams.filter((stream) => (numeric(stream['framesPerSecond']) ?? 0) > 0);
  const lines = most(moving.map((stream) => numeric(stream['frameHeight'])));
  const largest = moving.find((stream) => stream['frameHeight'] === lines);
  return { lines, rate: largest ? numeric(largest['framesPerSecond']) : null };
}

/** What there is to know of the way out. */
export function outlookOf(stats: ReadonlyMap<string, Stat>): Pick<Outlook, 'available' | 'loss' | 'roundTripMs'> {
  const pair = selectedPair(stats);
  const told = ofType(stats, 'remote-inbound-rtp');
  const voices = told.filter((stat) => stat['kind'] === 'audio');
  return {
    available: numeric(pair?.['availableOutgoingBitrate']),
    loss: most(voices.map((stat) => numeric(stat['fractionLost']))),
    roundTripMs: most([pair, ...told].map((stat) => milliseconds(stat?.['currentRoundTripTime'] ?? stat?.['roundTripTime']))),
  };
}

/** What the other end reports of what we send. */
function outboundLoss(stats: ReadonlyMap<string, Stat>): (number | null)[] {
  return ofType(stats, 'remote-inbound-rtp').map((stream) => numeric(stream['fractionLost']));
}

function ofType(stats: ReadonlyMap<string, Stat>, type: string): Stat[] {
  return [...stats.values()].filter((stat) => stat.type === type);
}

function sum(stats: Stat[], member: string): number {
  return stats.reduce((total, stat) => total + (numeric(stat[member]) ?? 0), 0);
}

function most(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length > 0 ? Math.max(...known) : null;
}

function milliseconds(seconds: unknown): number | null {
  const value = numeric(seconds);
  return value === null ? null : value * 1_000;
}

function numeric(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
