// Arabic: what one does in a call beside talking.
import type { incall } from './en.incall.ts';
import type { In } from './translation.ts';

export const arIncall: In<typeof incall> = {
  'share.start': 'مشاركة الشاشة',
  'share.stop': 'إيقاف المشاركة',
  'share.mine': 'أنت تشارك شاشتك',
  'share.theirs': '{name} يشارك شاشة',
  'share.over': 'لم تعد الشاشة مشتركة.',
  'share.picture': 'شاشة {name}',
  'share.failed': 'تعذرت مشاركة الشاشة. أغلق البرامج الأخرى التي تشاركها، ثم أعد المحاولة.',
  'share.failed.system': 'النظام لا يسمح لهذا المتصفح بتسجيل الشاشة. اسمح به في إعدادات الخصوصية في حاسوبك، ثم أعد المحاولة.',
};
