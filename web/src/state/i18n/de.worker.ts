import type { enWorker } from './en.worker.ts';
import type { In } from './translation.ts';

export const deWorker: In<typeof enWorker> = {
  'worker.incoming.audio': 'Eingehender Anruf',
  'worker.incoming.video': 'Eingehender Videoanruf',
  'worker.answer': 'Annehmen',
  'worker.decline': 'Ablehnen',
  'worker.missed': 'Verpasster Anruf von {name}',
  'worker.answered': 'Auf einem anderen Gerät angenommen',
  'worker.declined': 'Auf einem anderen Gerät abgelehnt',
  'worker.from': 'Anruf von {name}',
  'worker.unknown.title': 'Dialtone',
  'worker.unknown.text': 'Öffne Dialtone, um deine Anrufe zu sehen.',
};
