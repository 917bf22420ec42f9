import type { enWorker } from './en.worker.ts';
import type { In } from './translation.ts';

export const arWorker: In<typeof enWorker> = {
  'worker.incoming.audio': 'مكالمة واردة',
  'worker.incoming.video': 'مكالمة فيديو واردة',
  'worker.answer': 'رد',
  'worker.decline': 'رفض',
  'worker.missed': 'مكالمة فائتة من {name}',
  'worker.answered': 'تم الرد على جهاز آخر',
  'worker.declined': 'تم الرفض على جهاز آخر',
  'worker.from': 'مكالمة من {name}',
  'worker.unknown.title': 'Dialtone',
  'worker.unknown.text': 'افتح Dialtone لترى مكالماتك.',
};
