import { describe, expect, it } from 'vitest';
import { toBase64Url } from '../ids.ts';
import { Ephemeral, joined, linkKey, newSigningPair, open, seal, sealingKeys, SigningKey, transcriptHash, verify } from './crypto.ts';
import { bytesOf, type Role } from './wire.ts';
import { Words } from './words.ts';

// Made with another implementation (Python's cryptography), from the description of the handshake.
const ADA = { kty: 'EC', crv: 'P-256', x: 'UVw9brnjlrkE0_7Kf1T9zQzB6Ze_N13KUVrQpsO0A18', y: 'RTa-OlDzGPv5pUdZAqIhUCvvDVfgjFOyzApW8X2fk1Q', d: 'AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA' };
const BEN = { kty: 'EC', crv: 'P-256', x: 'HxQBRr-xslH4T03b4NTNz9d6_ZhKlSDjV5QCH4MSu54', y: '7JlaCLH6dwTfPcwLUKlmUmP7dxH5X5-KRJxQluR8iSs', d: 'ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P0A' };
const ADA_PUBLIC = 'BFFcPW6545a5BNP-yn9U_c0MwemXvzddylFa0KbDtANfRTa-OlDzGPv5pUdZAqIhUCvvDVfgjFOyzApW8X2fk1Q';
const SHARED = 'T-JDkI83iqHCppU4gi5u2QjDIl2GkldVB8ZJkBJFFQo';
const LINK = '2PV9E_0N_0JIrQxDqzX9FB8AnAm0SW3wM_S6giYyO-g';
const TRANSCRIPT = 'khkcV3XUeKNai0zlB-TqjyTJbN_BKzduJnoaqBq7m4E';
const SEALED = 'Nbmu8e-ssyJoRq6GsOCcw869CV6goJE';
const COMMITMENT = 'gJcwMNRKh8Jk4ld5K7rWH4s9TrzbGjpqdaSYzlsqFCo';
const SIGNS = [219, 63, 26, 204];

const ROOM = 'Jx0Yq3o2TrmD5n8ZkV1b7A';
const SECRET = 'c7Yb2K1sR9e4mQ0zX5vN8w';
const PLACE = { connection: 'connection', generation: 3, sender: 'impolite', kind: 'description' } as const;

async function pair(jwk: JsonWebKey): Promise<Ephemeral> {
  const ecdh = { name: 'ECDH', namedCurve: 'P-256' };
  const { d: _, ...open } = jwk;
  return Ephemeral.of({
    privateKey: await crypto.subtle.importKey('jwk', jwk, ecdh, false, ['deriveBits']),
    publicKey: await crypto.subtle.importKey('jwk', open, ecdh, true, []),
  });
}

function transcript(change = {}): Promise<Uint8Array<ArrayBuffer>> {
  const hellos = ['{"a":1}', '{"b":2}'] as const;
  return transcriptHash({ room: ROOM, call: 'call', connection: 'connection', participants: ['ada', 'ben'], hellos, ...change });
}

async function keys(): Promise<Record<Role, CryptoKey>> {
  return sealingKeys(bytesOf(SHARED)!, bytesOf(LINK)!, bytesOf(TRANSCRIPT)!);
}

describe('the vectors', () => {
  it('agree from the key pairs to what is sealed', async () => {
    const [ada, ben] = [await pair(ADA), await pair(BEN)];
    expect(ada.public).toBe(ADA_PUBLIC);
    expect(toBase64Url(await ada.shared(ben.public))).toBe(SHARED);
    expect(toBase64Url(await ben.shared(ada.public))).toBe(SHARED);
    expect(toBase64Url(await linkKey(ROOM, SECRET))).toBe(LINK);
    expect(toBase64Url(await transcript())).toBe(TRANSCRIPT);
    expect(toBase64Url(await seal((await keys()).impolite, 7, PLACE, 'Grüße'))).toBe(SEALED);
    expect(await open((await keys()).impolite, 7, PLACE, bytesOf(SEALED)!)).toBe('Grüße');
  });

  it('agree about the words', async () => {
    const numbers = [0, 16].map((from) => Uint8Array.from({ length: 16 }, (_, index) => from + index));
    const impolite = new Words('impolite', bytesOf(TRANSCRIPT)!, numbers[0]);
    const polite = new Words('polite', bytesOf(TRANSCRIPT)!, numbers[1]);
    expect(await impolite.say()).toEqual({ commit: COMMITMENT });
    expect(await polite.hear(await impolite.say())).toBe('new');
    expect(await impolite.hear(await polite.say())).toBe('new');
    expect(await polite.hear(await impolite.say())).toBe('known');
    expect([impolite.signs, polite.signs]).toEqual([SIGNS, SIGNS]);
  });
});

describe('the transcript', () => {
  it('is another one when anything in it is', async () => {
    const others = [
      { room: 'other' },
      { call: 'other' },
      { connection: 'other' },
      { participants: ['eve', 'ben'] },
      { participants: ['ben', 'ada'] },
      { hellos: ['{"a":2}', '{"b":2}'] },
      { hellos: ['{"b":2}', '{"a":1}'] },
    ];
    for (const other of others) expect(toBase64Url(await transcript(other)), JSON.stringify(other)).not.toBe(TRANSCRIPT);
  });

  it('keeps its parts apart', () => {
    expect(joined('ab', 'c')).not.toEqual(joined('a', 'bc'));
    expect(joined('a', '')).not.toEqual(joined('a'));
  });
});

describe('what is sealed', () => {
  it('opens in its own place only', async () => {
    const { impolite, polite } = await keys();
    const data = bytesOf(SEALED)!;
    expect(await open(polite, 7, PLACE, data)).toBeNull();
    expect(await open(impolite, 8, PLACE, data)).toBeNull();
    for (const change of [{ connection: 'other' }, { generation: 4 }, { sender: 'polite' }, { kind: 'candidate' }]) {
      expect(await open(impolite, 7, { ...PLACE, ...change } as typeof PLACE, data), JSON.stringify(change)).toBeNull();
    }
    expect(await open(impolite, 7, PLACE, data.slice(1))).toBeNull();
    expect(await open(impolite, 7, PLACE, new Uint8Array())).toBeNull();
    for (let at = 0; at < data.length; at += 1) {
      const bent = data.slice();
      bent[at]! ^= 1;
      expect(await open(impolite, 7, PLACE, bent)).toBeNull();
    }
  });

  it('needs the link’s secret, where there is one', async () => {
    const without = await sealingKeys(bytesOf(SHARED)!, new Uint8Array(), bytesOf(TRANSCRIPT)!);
    expect(await open(without.impolite, 7, PLACE, bytesOf(SEALED)!)).toBeNull();
    expect(await linkKey(ROOM, '')).toHaveLength(0);
    expect(toBase64Url(await linkKey('another room', SECRET))).not.toBe(LINK);
  });
});

describe('a signature', () => {
  it('is of its key and of its text', async () => {
    const [ada, eve] = [await SigningKey.of(await newSigningPair()), await SigningKey.create()];
    const signature = await ada.sign(joined('text'));
    expect(await verify(ada.public, joined('text'), signature)).toBe(true);
    expect(await verify(eve.public, joined('text'), signature)).toBe(false);
    expect(await verify(ada.public, joined('texts'), signature)).toBe(false);
    for (const key of ['', '!', 'A'.repeat(87), `B${'A'.repeat(86)}`]) expect(await verify(key, joined('text'), signature)).toBe(false);
    for (const bad of ['', '!', 'AAAA']) expect(await verify(ada.public, joined('text'), bad)).toBe(false);
  });
});

describe('a key that is no point of the curve', () => {
  it('is refused', async () => {
    const ada = await Ephemeral.create();
    for (const key of ['', `B${'A'.repeat(86)}`, 'AA']) await expect(ada.shared(key)).rejects.toThrow();
  });
});

describe('words', () => {
  const start = () => new Words('impolite', bytesOf(TRANSCRIPT)!);
  const number = (fill: number) => toBase64Url(new Uint8Array(16).fill(fill));

  it('are not shown for a number that was not the committed one', async () => {
    const [impolite, polite] = [start(), new Words('polite', bytesOf(TRANSCRIPT)!)];
    await polite.hear(await impolite.say());
    expect(await polite.hear({ reveal: number(1) })).toBe('wrong');
    expect(await polite.hear({ commit: number(2) })).toBe('wrong');
    expect(polite.signs).toBeNull();
  });

  it('are bound to the first number that was heard', async () => {
    const impolite = start();
    expect(await impolite.hear({ nonce: number(1) })).toBe('new');
    const { signs } = impolite;
    expect(await impolite.hear({ nonce: number(2) })).toBe('wrong');
    expect(impolite.signs).toBe(signs);
    for (const nonce of ['', '!', 'AAAA']) expect(await start().hear({ nonce })).toBe('wrong');
  });

  it('are not answered before the other end is bound', async () => {
    const polite = new Words('polite', bytesOf(TRANSCRIPT)!);
    expect(await polite.say()).toEqual({});
    expect(await polite.hear({ reveal: number(1) })).toBe('wrong');
  });
});
