// Arabic: what one does in a call beside talking.
import type { incall } from './en.incall.ts';
import type { In } from './translation.ts';

export const arIncall: In<typeof incall> = {
  'call.react': 'تفاعل',

  'share.start': 'مشاركة الشاشة',
  'share.stop': 'إيقاف المشاركة',
  'share.mine': 'أنت تشارك شاشتك',
  'share.theirs': '{name} يشارك شاشة',
  'share.over': 'لم تعد الشاشة مشتركة.',
  'share.picture': 'شاشة {name}',
  'share.failed': 'تعذرت مشاركة الشاشة. أغلق البرامج الأخرى التي تشاركها، ثم أعد المحاولة.',
  'share.failed.system': 'النظام لا يسمح لهذا المتصفح بتسجيل الشاشة. اسمح به في إعدادات الخصوصية في حاسوبك، ثم أعد المحاولة.',

  'hint.muted': 'صوتك مكتوم: لا أحد يسمعك.',
  'hint.muted.keys': 'صوتك مكتوم: لا أحد يسمعك. اضغط مفتاح المسافة مطولاً لتتحدث، أو اضغط M.',
  'hint.silent': 'لا يأتي صوت من الميكروفون.',
  'hint.silent.choose': 'اختيار غيره',
  'shortcuts.talk': 'اضغط مطولاً للتحدث أثناء الكتم',
  'key.space': 'المسافة',
  'device.replaced.audio': 'فُصل الميكروفون أو توقف. المستخدم الآن: {name}',
  'device.replaced.video': 'فُصلت الكاميرا أو توقفت. المستخدمة الآن: {name}',
  'device.replaced.speaker': 'فُصلت السماعة. المستخدمة الآن: {name}',
  'device.other': 'ما اختاره النظام',

  'settings.echo': 'إزالة صدى مكبر الصوت',
  'settings.noise': 'كتم الضجيج من حولك',
  'settings.level': 'موازنة مستوى صوتك',

  'figures.show': 'عرض القياسات',
  'figures.title': 'الاتصال',
  'figures.none': 'لا توجد قياسات بعد.',
  'figures.roundTrip': 'ذهابًا وإيابًا',
  'figures.loss': 'حزم مفقودة',
  'figures.jitter': 'التذبذب',
  'figures.received': 'المستلَم',
  'figures.sent': 'المرسَل',
  'figures.unknown': 'غير معروف',
  'figures.plot': '{name} خلال آخر ثلاث دقائق: {most} على الأكثر',
  'figures.minutes': 'آخر ثلاث دقائق',
  'figures.picture': '{lines} سطرًا، {rate} في الثانية',
  'figures.picture.none': 'لا شيء',
  'figures.picture.received': 'الصورة المستلَمة',
  'figures.picture.sent': 'الصورة المرسَلة',
  'unit.ms': '{n} م.ث',
  'unit.kbits': '{n} كيلوبت/ث',
};
