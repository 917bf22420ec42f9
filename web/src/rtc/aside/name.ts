import { MAX_NAME_CHARS } from './wire.ts';

/** What systems keep for devices, with or without an ending. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;
/** Control characters; marks that are not seen, or turn the direction of writing; halves of characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
/** What one system or another does not have in names. */
const RESERVED = /[<>:"|?*]/g;
/** Endings longer than this are none. */
const LONGEST_ENDING = 12;

/**
 * The name under which a file can be kept, of whatever somebody calls it: no part of a path, nothing that
 * cannot be seen or makes an ending look like another one, nothing that a system takes for something else.
 */
export function safeName(name: string): string {
  const last = name.normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const plain = last.replace(UNSEEN, '').replace(RESERVED, '_').replace(/\s+/gu, ' ');
  const trimmed = plain.replace(/^[. ]+|[. ]+$/g, '');
  const kept = shorten(trimmed === '' ? 'file' : trimmed);
  return DEVICE.test(kept) ? `_${kept}` : kept;
}

/** The beginning, and the ending that says what it is. */
function shorten(name: string): string {
  const most = MAX_NAME_CHARS - 1;
  if (name.length <= most) return name;
  const dot = name.lastIndexOf('.');
  const ending = dot > 0 && name.length - dot <= LONGEST_ENDING ? name.slice(dot) : '';
  // Not the first half of a character.
  const start = name.slice(0, most - ending.length).replace(/[\ud800-\udbff]$/, '');
  return start.replace(/[. ]+$/, '') + ending;
}
