import { expect, it } from 'vitest';
import { encodePart, encodeSaid, PART_BYTES, readPart, readSaid, type Said } from './wire.ts';

it('reads what it writes', () => {
  const all: Said[] = [
    { t: 'hello' },
    { t: 'offer', file: 1, name: 'a "b" ü.txt', size: 3 },
    { t: 'accept', file: 2 },
    { t: 'decline', file: 3 },
    { t: 'withdraw', file: 4 },
    { t: 'got', file: 0xffff_ffff },
    { t: 'reaction', reaction: 'heart' },
  ];
  for (const said of all) expect(readSaid(encodeSaid(said))).toEqual(said);
  const content = new Uint8Array([1, 2, 3]).buffer;
  expect(readPart(encodePart(0x0102_0304, content))).toEqual({ file: 0x0102_0304, content });
});

it.each([
  '',
  '{',
  'null',
  '[]',
  '7',
  '{"file":1}',
  '{"t":1}',
  '{"t":"accept"}',
  '{"t":"accept","file":0}',
  '{"t":"accept","file":-1}',
  '{"t":"accept","file":1.5}',
  '{"t":"accept","file":"1"}',
  '{"t":"got","file":4294967296}',
  '{"t":"offer","file":1,"name":"x"}',
  '{"t":"offer","file":1,"name":"x","size":0}',
  '{"t":"offer","file":1,"name":"x","size":-5}',
  '{"t":"offer","file":1,"name":"x","size":1e400}',
  '{"t":"offer","file":1,"name":null,"size":1}',
  `{"t":"offer","file":1,"name":"${'x'.repeat(121)}","size":1}`,
  '{"t":"reaction"}',
  `{"t":"hello","and":"${'x'.repeat(1_024)}"}`,
])('takes %s for nonsense', (text) => {
  expect(readSaid(text)).toBeNull();
});

it('does not mind what a newer version says', () => {
  for (const text of ['{"t":"wave"}', '{"t":"reaction","reaction":"<b>"}']) expect(readSaid(text)).toBe('unknown');
  expect(readSaid('{"t":"hello","v":2}')).toEqual({ t: 'hello' });
});

it('takes no part without content, nor one that is too long', () => {
  for (const bytes of [0, 4, PART_BYTES + 5]) expect(readPart(new ArrayBuffer(bytes))).toBeNull();
  expect(readPart(new ArrayBuffer(PART_BYTES + 4))).not.toBeNull();
});
