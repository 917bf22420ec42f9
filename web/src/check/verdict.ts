// Everything in one sentence: what the facts come down to for a call.
import type { Facts } from './facts.ts';
import { bestOf, findingsOf, secondsOf, type Level, type Surroundings, type Words } from './findings.ts';

export interface Verdict {
  /** For programs. */
  name: string;
  level: Level;
  sentence: Words;
  remedy?: Words;
}

/** The worst that keeps calls from working first; then how they work. */
export function verdictOf(facts: Facts, where: Surroundings): Verdict {
  return impossible(facts, where) ?? unrelayed(facts) ?? possible(facts, where);
}

function impossible({ webrtc, secure, server, socket }: Facts, { host }: Surroundings): Verdict | null {
  if (!webrtc) {
    return { name: 'no_webrtc', level: 'problem', sentence: { key: 'start.unsupported.title' }, remedy: { key: 'start.unsupported.text' } };
  }
  if (!secure) {
    return { name: 'insecure', level: 'problem', sentence: { key: 'start.insecure.title' }, remedy: { key: 'start.insecure.mend' } };
  }
  if (server === null || server.answer === 'offline') {
    return { name: 'no_server', level: 'problem', sentence: { key: 'check.verdict.server' }, remedy: { key: 'check.server.offline.do' } };
  }
  if (socket === false) {
    return { name: 'no_websocket', level: 'problem', sentence: { key: 'check.verdict.socket' }, remedy: { key: 'check.socket.blocked.do', values: { host } } };
  }
  if (server.answer === 'limit') {
    const seconds = secondsOf(server.waitMs);
    return { name: 'later', level: 'warning', sentence: { key: 'check.verdict.later' }, remedy: { key: 'check.server.limit.do', values: { seconds } } };
  }
  if (server.answer === 'refused') {
    return { name: 'refused', level: 'problem', sentence: { key: 'check.verdict.refused' }, remedy: { key: 'check.operator.do' } };
  }
  return null;
}

/** Without a relay, only those are reached to whom a direct path exists. */
function unrelayed({ ways, stun }: Facts): Verdict | null {
  if (ways === null || bestOf(ways) !== null) return null;
  const direct = stun !== null && stun.silent.length < stun.asked.length;
  if (ways.length === 0) {
    return { name: 'no_relay', level: 'problem', sentence: { key: 'check.verdict.relay.none' }, remedy: { key: 'check.operator.do' } };
  }
  if (direct) return { name: 'direct', level: 'warning', sentence: { key: 'check.verdict.direct' }, remedy: { key: 'check.network.do' } };
  return { name: 'no_path', level: 'problem', sentence: { key: 'check.verdict.path' }, remedy: { key: 'check.network.do' } };
}

function possible(facts: Facts, where: Surroundings): Verdict {
  const best = bestOf(facts.ways ?? []);
  const findings = findingsOf(facts, where);
  const lacks = (check: string) => findings.some((it) => it.check === check && it.level !== 'good');
  if (lacks('microphone')) return { name: 'unheard', level: 'problem', sentence: { key: 'check.verdict.unheard' } };
  if (lacks('speaker')) return { name: 'deaf', level: 'problem', sentence: { key: 'check.verdict.deaf' } };
  const lines = findings.filter(({ group }) => group === 'line');
  if (lines.some(({ level }) => level === 'problem')) {
    return { name: 'poor', level: 'warning', sentence: { key: 'check.verdict.poor' }, remedy: { key: 'check.line.do' } };
  }
  if (best === 'tcp') return { name: 'tcp', level: 'warning', sentence: { key: 'check.verdict.tcp' } };
  if (best === 'tls') {
    const port = facts.ways?.find(({ place, works }) => works && place.by === 'tls')?.place.port ?? 443;
    // As text: a port has no thousands.
    return { name: 'tls', level: 'warning', sentence: { key: 'check.verdict.tls', values: { port: String(port) } } };
  }
  if (lacks('camera')) return { name: 'unseen', level: 'warning', sentence: { key: 'check.verdict.unseen' } };
  if (lines.some(({ level }) => level === 'warning')) {
    return { name: 'fair', level: 'warning', sentence: { key: 'check.verdict.fair' }, remedy: { key: 'check.line.do' } };
  }
  return { name: 'good', level: 'good', sentence: { key: 'check.verdict.good' } };
}
