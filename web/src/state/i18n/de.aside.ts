// German: files and reactions.
import type { enAside } from './en.aside.ts';
import type { In } from './translation.ts';

export const deAside: In<typeof enAside> = {
  'file.attach': 'Datei senden',
  'file.drop': 'Loslassen, um sie {name} anzubieten',
  'file.offered': '{name} bietet dir eine Datei an: {file}',
  'file.look': 'Ansehen',
  'file.accept': 'Annehmen',
  'file.decline': 'Ablehnen',
  'file.stop': 'Anhalten',
  'file.again': 'Noch einmal anbieten',
  'file.save': 'Speichern',
  'file.progress': '{done} von {size}',
  'file.received': 'Empfangene Dateien',

  'file.mine.queued': 'Wartet, bis andere beantwortet sind',
  'file.mine.offered': 'Wartet, bis {name} sie annimmt',
  'file.mine.moving': 'Wird gesendet',
  'file.mine.done': 'Gesendet',
  'file.mine.declined': '{name} möchte sie nicht',
  'file.mine.cancelled': 'Du hast sie angehalten',
  'file.mine.stopped': '{name} hat sie angehalten',
  'file.mine.failed': 'Nicht gesendet: Die Verbindung brach ab, oder die Datei lässt sich nicht mehr lesen.',
  'file.theirs.offered': 'Noch ist nichts davon hier. Nimm sie nur an, wenn du sie erwartest.',
  'file.theirs.moving': 'Wird empfangen',
  'file.theirs.done': 'Empfangen und nicht geöffnet. Speichere sie, wenn du dem vertraust, der sie geschickt hat.',
  'file.theirs.declined': 'Du hast sie abgelehnt',
  'file.theirs.cancelled': 'Du hast sie angehalten',
  'file.theirs.stopped': '{name} hat sie zurückgenommen',
  'file.theirs.failed': 'Nicht empfangen: Die Verbindung brach ab, bevor alles hier war. {name} kann sie noch einmal anbieten.',

  'file.refused.empty': 'Nicht gesendet, weil sie leer oder ein Ordner ist: {file}',
  'file.refused.too_large': 'Nicht gesendet, weil eine Datei höchstens {most} haben darf: {file}',
  'file.refused.too_many': 'Nicht gesendet, weil es in diesem Gespräch schon zu viele Dateien waren: {file}',

  'aside.closed': 'Dateien und Reaktionen gehen von Browser zu Browser: sobald jemand verbunden ist.',
  'aside.asking': 'Dateien und Reaktionen werden verbunden. Versuche es gleich noch einmal.',
  'aside.absent': 'Die App von {name} kennt keine Dateien und Reaktionen. Sprechen und schreiben könnt ihr weiterhin.',
  'aside.broken': 'Die App von {name} hat etwas gesendet, das sie nicht sollte. In diesem Gespräch gibt es keine Dateien und Reaktionen mehr; sprechen und schreiben könnt ihr weiterhin.',

  'reaction.title': 'Reaktionen',
  'reaction.thumbs': 'Daumen hoch',
  'reaction.heart': 'Herz',
  'reaction.clap': 'Beifall',
  'reaction.laugh': 'Lachen',
  'reaction.wow': 'Staunen',
  'reaction.party': 'Feiern',
  'reaction.shown': '{name}: {reaction}',
};
