// From what was measured to what it means and what to do. The names of checks that `dialtone doctor` makes
// from the server's side are the same there.
import { THRESHOLDS } from '../rtc/index.ts';
import type { BrowserKind, Kind } from '../state/deviceProblem.ts';
import { problemText } from '../state/deviceProblem.ts';
import type { CheckKey } from '../state/i18n/check.ts';
import type { Key } from '../state/i18n/index.ts';
import type { DeviceFact, Facts, LineFact, StunFact, WayFact } from './facts.ts';
import { natOf } from './nat.ts';
import { TRANSPORTS, type Place, type Transport } from './places.ts';

/** As it should be; neither good nor bad; calls are worse for it; calls do not work. */
export type Level = 'good' | 'note' | 'warning' | 'problem';

export interface Words {
  key: CheckKey | Key;
  values?: Readonly<Record<string, string | number>>;
}

export interface Finding {
  /** What was looked at, as a word for programs. */
  check: string;
  group: 'devices' | 'network' | 'line';
  level: Level;
  /** What was found, and what it means. */
  message: readonly Words[];
  /** What to do. */
  remedy?: Words;
}

/** What remedies name. */
export interface Surroundings {
  /** The host of this server, for whoever has to open a firewall. */
  host: string;
  browser: BrowserKind;
}

/** Everything that can be said of the facts there are, in the order in which one would mend it. */
export function findingsOf(facts: Facts, where: Surroundings): Finding[] {
  return [
    ...device('microphone', facts.microphone, where),
    ...device('camera', facts.camera, where),
    ...speaker(facts.speaker),
    ...server(facts, where),
    ...stun(facts.stun),
    ...relay(facts.ways),
    ...families(facts),
    ...nat(facts.stun, facts.ways),
    ...line(facts.line),
  ];
}

// ---- devices ----

function device(check: 'camera' | 'microphone', fact: DeviceFact | null, { browser }: Surroundings): Finding[] {
  if (fact === null) return [];
  if (fact === 'works') return [{ check, group: 'devices', level: 'good', message: [{ key: `check.${check}.works` }] }];
  const kind: Kind = check === 'camera' ? 'video' : 'audio';
  const text = problemText({ kinds: [kind], cause: fact }, browser);
  return [
    {
      check,
      group: 'devices',
      level: check === 'camera' ? 'warning' : 'problem',
      message: [{ key: text.title }, { key: text.means }],
      remedy: { key: text.mend },
    },
  ];
}

function speaker(heard: boolean | null): Finding[] {
  if (heard === null) return [];
  const finding = { check: 'speaker', group: 'devices' } as const;
  if (heard) return [{ ...finding, level: 'good', message: [{ key: 'check.speaker.works' }] }];
  return [{ ...finding, level: 'problem', message: [{ key: 'check.speaker.silent' }], remedy: { key: 'check.speaker.silent.do' } }];
}

// ---- the way to the server ----

function server({ server, socket }: Facts, { host }: Surroundings): Finding[] {
  const at = (check: string, level: Level, key: CheckKey, remedy?: Words): Finding => ({
    check,
    group: 'network',
    level,
    message: [{ key }],
    ...(remedy && { remedy }),
  });
  const found: Finding[] = [];
  if (server?.answer === 'offline') return [at('server', 'problem', 'check.server.offline', { key: 'check.server.offline.do' })];
  if (socket === true) found.push(at('websocket', 'good', 'check.socket.works'));
  if (socket === false) found.push(at('websocket', 'problem', 'check.socket.blocked', { key: 'check.socket.blocked.do', values: { host } }));
  if (server?.answer === 'limit') {
    const wait: Words = { key: 'check.server.limit.do', values: { seconds: secondsOf(server.waitMs) } };
    found.push(at('server', 'warning', 'check.server.limit', wait));
  }
  if (server?.answer === 'refused') {
    const status: Words = { key: 'check.server.refused', values: { status: server.status } };
    found.push({ ...at('server', 'problem', 'check.server.refused', { key: 'check.operator.do' }), message: [status] });
  }
  return found;
}

/** How long to wait, as people are told. */
export const secondsOf = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

function stun(fact: StunFact | null): Finding[] {
  if (fact === null) return [];
  const finding = { check: 'stun', group: 'network' } as const;
  const port = fact.asked[0]?.port;
  if (port === undefined) {
    return [{ ...finding, level: 'warning', message: [{ key: 'check.stun.none' }], remedy: { key: 'check.operator.do' } }];
  }
  if (fact.silent.length === fact.asked.length) {
    return [{ ...finding, level: 'warning', message: [{ key: 'check.stun.silent' }], remedy: { key: 'check.udp.do', values: { port: String(port) } } }];
  }
  const addresses = [...new Set(fact.mappings.map(({ address }) => address))];
  const seen: Words = addresses.length ? { key: 'check.stun.mapped', values: { address: addresses.join(', ') } } : { key: 'check.stun.works' };
  return [{ ...finding, level: 'good', message: [seen] }];
}

function relay(ways: readonly WayFact[] | null): Finding[] {
  if (ways === null) return [];
  if (ways.length === 0) {
    return [{ check: 'relay', group: 'network', level: 'problem', message: [{ key: 'check.relay.none' }], remedy: { key: 'check.operator.do' } }];
  }
  const best = bestOf(ways);
  const found = TRANSPORTS.flatMap((by) => relayBy(by, ways, best));
  if (best === null && !ways.some(({ place }) => place.by === 'tls')) {
    found.push({ check: 'relay_tls', group: 'network', level: 'warning', message: [{ key: 'check.tls.none' }], remedy: { key: 'check.tls.none.do' } });
  }
  return found;
}

function relayBy(by: Transport, ways: readonly WayFact[], best: Transport | null): Finding[] {
  const tried = ways.filter(({ place }) => place.by === by);
  const [first] = tried;
  if (!first) return [];
  const finding = { check: `relay_${by}`, group: 'network' } as const;
  const values = { transport: by.toUpperCase(), port: String(first.place.port) };
  if (tried.some(({ works }) => works)) {
    return [{ ...finding, level: 'good', message: [{ key: 'check.relay.works', values }] }];
  }
  const silent: Words = { key: 'check.relay.silent', values };
  const open: Words = { key: by === 'udp' ? 'check.udp.do' : 'check.tcp.do', values };
  if (best === null) return [{ ...finding, level: 'problem', message: [silent], remedy: open }];
  // What is better than this one works: nothing is lost.
  if (TRANSPORTS.indexOf(best) < TRANSPORTS.indexOf(by)) {
    return [{ ...finding, level: 'note', message: [silent, { key: 'check.relay.spare' }] }];
  }
  const slower: Words = { key: 'check.relay.slower', values: { transport: best.toUpperCase() } };
  return [{ ...finding, level: 'warning', message: by === 'udp' ? [silent, slower] : [silent], remedy: open }];
}

/** The best transport by which the relay works. */
export function bestOf(ways: readonly WayFact[]): Transport | null {
  return TRANSPORTS.find((by) => ways.some(({ place, works }) => works && place.by === by)) ?? null;
}

// ---- addresses ----

function families({ stun, ways }: Facts): Finding[] {
  if (stun === null || ways === null) return [];
  const places: { place: Place; works: boolean }[] = [
    ...stun.asked.map((place) => ({ place, works: !stun.silent.includes(place.url) })),
    ...ways,
  ];
  const offers = (family: 4 | 6) => places.some(({ place }) => place.family === family);
  const works = (family: 4 | 6) => places.some(({ place, works }) => works && place.family === family);
  const said = (level: Level, key: CheckKey, values: Words['values'] = {}): Finding[] => [
    { check: 'ip', group: 'network', level, message: [{ key, values }] },
  ];
  if (works(4) && works(6)) return said('good', 'check.ip.both');
  const family = works(4) ? 4 : works(6) ? 6 : null;
  if (family === null) return [];
  const other = family === 4 ? 6 : 4;
  const values = { one: `IPv${family}`, other: `IPv${other}` };
  return offers(other) ? said('note', 'check.ip.one', values) : said('good', 'check.ip.only', values);
}

function nat(stun: StunFact | null, ways: readonly WayFact[] | null): Finding[] {
  if (stun === null || ways === null) return [];
  const kind = natOf(stun);
  const relayed = bestOf(ways) !== null;
  const level: Level = kind === 'varying' && !relayed ? 'warning' : kind === 'none' || kind === 'steady' ? 'good' : 'note';
  return [{ check: 'nat', group: 'network', level, message: [{ key: `check.nat.${kind ?? 'hidden'}` }] }];
}

// ---- the line ----

/** Bits a second: above the first a call has a large picture, above the second a small one. */
export const PICTURE = [1_200_000, 250_000] as const;

function line(fact: LineFact | null): Finding[] {
  if (fact === null) return [];
  const grade = (name: keyof typeof THRESHOLDS): Level =>
    fact[name] > THRESHOLDS[name][1] ? 'problem' : fact[name] > THRESHOLDS[name][0] ? 'warning' : 'good';
  const said = (check: string, level: Level, key: CheckKey, values: Record<string, number>, means: CheckKey): Finding => ({
    check,
    group: 'line',
    level,
    message: level === 'good' ? [{ key, values }] : [{ key, values }, { key: means }],
    ...(level !== 'good' && { remedy: { key: 'check.line.do' } }),
  });
  const found = [
    said('round_trip', grade('roundTripMs'), 'check.roundtrip', { ms: Math.max(1, Math.round(fact.roundTripMs)) }, 'check.roundtrip.long'),
    said('jitter', grade('jitterMs'), 'check.jitter', { ms: Math.round(fact.jitterMs) }, 'check.jitter.high'),
    said('loss', grade('loss'), 'check.loss', { percent: Math.round(fact.loss * 1000) / 10 }, 'check.loss.high'),
  ];
  if (fact.throughput !== null) {
    const [large, small] = PICTURE;
    const level: Level = fact.throughput < small ? 'problem' : fact.throughput < large ? 'warning' : 'good';
    const key = fact.capped ? 'check.throughput.least' : 'check.throughput';
    const rate = Math.round(fact.throughput / 100_000) / 10;
    found.push(said('throughput', level, key, { rate }, level === 'problem' ? 'check.throughput.voice' : 'check.throughput.small'));
  }
  return found;
}
