import { describe, expect, it } from 'vitest';
import type { Mapping } from './facts.ts';
import { natOf } from './nat.ts';
import { placeOf } from './places.ts';

const ONE = placeOf('stun:192.0.2.1:3478')!;
const TWO = placeOf('stun:192.0.2.2:3478')!;
const SIX = placeOf('stun:[2001:db8::1]:3478')!;
const seen = (address: string, port: number, base: string | null = '10.0.0.2 4000'): Mapping => ({ address, port, base });

describe('the kind of NAT', () => {
  it.each([
    ['nobody answers', { asked: [ONE, TWO], silent: [ONE.url, TWO.url], mappings: [] }, null],
    ['nobody was asked', { asked: [], silent: [], mappings: [] }, null],
    ['nothing is translated', { asked: [ONE], silent: [], mappings: [] }, 'none'],
    ['there is one address to compare by', { asked: [ONE], silent: [], mappings: [seen('203.0.113.7', 5000)] }, 'unknown'],
    ['the second address does not answer', { asked: [ONE, TWO], silent: [TWO.url], mappings: [seen('203.0.113.7', 5000)] }, 'unknown'],
    ['the other address is one of IPv6', { asked: [ONE, SIX], silent: [], mappings: [seen('203.0.113.7', 5000)] }, 'unknown'],
    ['both see the same', { asked: [ONE, TWO], silent: [], mappings: [seen('203.0.113.7', 5000)] }, 'steady'],
    ['each sees another port', { asked: [ONE, TWO], silent: [], mappings: [seen('203.0.113.7', 5000), seen('203.0.113.7', 5001)] }, 'varying'],
    ['two sockets have two ports', { asked: [ONE, TWO], silent: [], mappings: [seen('203.0.113.7', 5000), seen('203.0.113.7', 5001, '10.0.0.2 4001')] }, 'steady'],
    ['the browser hides its sockets', { asked: [ONE, TWO], silent: [], mappings: [seen('203.0.113.7', 5000, null), seen('203.0.113.7', 5001, null)] }, 'unknown'],
  ] as const)('when %s', (_when, fact, kind) => {
    expect(natOf(fact)).toBe(kind);
  });
});

describe('a place', () => {
  it.each([
    ['stun:192.0.2.1', { what: 'stun', by: 'udp', port: 3478, family: 4 }],
    ['turn:192.0.2.1:3478?transport=tcp', { what: 'turn', by: 'tcp', port: 3478, family: 4 }],
    ['turn:[2001:db8::1]:3479?transport=udp', { what: 'turn', by: 'udp', port: 3479, family: 6 }],
    ['turns:calls.example.org?transport=tcp', { what: 'turn', by: 'tls', port: 5349, family: null }],
    ['turns:calls.example.org:443', { what: 'turn', by: 'tls', port: 443, family: null }],
  ])('is read from %s', (url, place) => {
    expect(placeOf(url)).toEqual({ url, ...place });
  });

  it.each(['', 'http://192.0.2.1', 'turn:', 'turn:a:b', 'stun:192.0.2.1?transport=sctp'])('is not read from %j', (url) => {
    expect(placeOf(url)).toBeNull();
  });
});
