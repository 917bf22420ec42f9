// German: what one does in a call beside talking.
import type { incall } from './en.incall.ts';
import type { In } from './translation.ts';

export const deIncall: In<typeof incall> = {
  'call.react': 'Reagieren',

  'share.start': 'Bildschirm teilen',
  'share.stop': 'Teilen beenden',
  'share.mine': 'Du teilst deinen Bildschirm',
  'share.theirs': '{name} teilt einen Bildschirm',
  'share.over': 'Der Bildschirm wird nicht mehr geteilt.',
  'share.picture': 'Bildschirm von {name}',
  'share.failed': 'Der Bildschirm konnte nicht geteilt werden. Schließe andere Programme, die ihn teilen, und versuche es noch einmal.',
  'share.failed.system': 'Das System lässt diesen Browser den Bildschirm nicht aufnehmen. Erlaube es in den Datenschutz-Einstellungen deines Computers und versuche es noch einmal.',

  'hint.muted': 'Du bist stumm: Niemand hört dich.',
  'hint.muted.keys': 'Du bist stumm: Niemand hört dich. Halte die Leertaste, um zu sprechen, oder drücke M.',
  'hint.silent': 'Von deinem Mikrofon kommt kein Ton.',
  'hint.silent.choose': 'Anderes wählen',
  'shortcuts.talk': 'Halten, um trotz Stummschaltung zu sprechen',
  'key.space': 'Leertaste',
  'device.replaced.audio': 'Das Mikrofon wurde ausgesteckt oder hat aufgehört. Jetzt in Gebrauch: {name}',
  'device.replaced.video': 'Die Kamera wurde ausgesteckt oder hat aufgehört. Jetzt in Gebrauch: {name}',
  'device.replaced.speaker': 'Der Lautsprecher wurde ausgesteckt. Jetzt in Gebrauch: {name}',
  'device.other': 'was das System gewählt hat',

  'settings.echo': 'Echo deines Lautsprechers entfernen',
  'settings.noise': 'Geräusche um dich unterdrücken',
  'settings.level': 'Deine Lautstärke ausgleichen',

  'figures.show': 'Messwerte zeigen',
  'figures.title': 'Verbindung',
  'figures.none': 'Es gibt noch keine Messwerte.',
  'figures.roundTrip': 'Hin und zurück',
  'figures.loss': 'Verlorene Pakete',
  'figures.jitter': 'Schwankung',
  'figures.received': 'Empfangen',
  'figures.sent': 'Gesendet',
  'figures.unknown': 'nicht bekannt',
  'figures.plot': '{name} in den letzten drei Minuten: höchstens {most}',
  'figures.minutes': 'Letzte drei Minuten',
  'figures.picture': '{lines} Zeilen, {rate} pro Sekunde',
  'figures.picture.none': 'keines',
  'figures.picture.received': 'Empfangenes Bild',
  'figures.picture.sent': 'Gesendetes Bild',
  'unit.ms': '{n} ms',
  'unit.kbits': '{n} kbit/s',
};
