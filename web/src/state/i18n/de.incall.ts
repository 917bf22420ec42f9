// German: what one does in a call beside talking.
import type { incall } from './en.incall.ts';
import type { In } from './translation.ts';

export const deIncall: In<typeof incall> = {
  'share.start': 'Bildschirm teilen',
  'share.stop': 'Teilen beenden',
  'share.mine': 'Du teilst deinen Bildschirm',
  'share.theirs': '{name} teilt einen Bildschirm',
  'share.over': 'Der Bildschirm wird nicht mehr geteilt.',
  'share.picture': 'Bildschirm von {name}',
  'share.failed': 'Der Bildschirm konnte nicht geteilt werden. Schließe andere Programme, die ihn teilen, und versuche es noch einmal.',
  'share.failed.system': 'Das System lässt diesen Browser den Bildschirm nicht aufnehmen. Erlaube es in den Datenschutz-Einstellungen deines Computers und versuche es noch einmal.',
};
