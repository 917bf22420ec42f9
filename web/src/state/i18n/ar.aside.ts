// Arabic: files and reactions.
import type { enAside } from './en.aside.ts';
import type { In } from './translation.ts';

export const arAside: In<typeof enAside> = {
  'file.attach': 'إرسال ملف',
  'file.drop': 'أفلته لعرضه على {name}',
  'file.offered': '{name} يعرض عليك ملفًا: {file}',
  'file.look': 'عرض',
  'file.accept': 'قبول',
  'file.decline': 'رفض',
  'file.stop': 'إيقاف',
  'file.again': 'عرضه مرة أخرى',
  'file.save': 'حفظ',
  'file.progress': '{done} من {size}',
  'file.received': 'الملفات المستلَمة',

  'file.mine.queued': 'ينتظر حتى يُجاب عن غيره',
  'file.mine.offered': 'ينتظر أن يقبله {name}',
  'file.mine.moving': 'جارٍ الإرسال',
  'file.mine.done': 'أُرسل',
  'file.mine.declined': '{name} لا يريده',
  'file.mine.cancelled': 'أوقفتَه',
  'file.mine.stopped': '{name} أوقفه',
  'file.mine.failed': 'لم يُرسل: انقطع الاتصال، أو لم تعد قراءة الملف ممكنة.',
  'file.theirs.offered': 'لم يصل منه شيء بعد. اقبله فقط إن كنت تتوقعه.',
  'file.theirs.moving': 'جارٍ الاستلام',
  'file.theirs.done': 'استُلم ولم يُفتح. احفظه إن كنت تثق بمن أرسله.',
  'file.theirs.declined': 'رفضتَه',
  'file.theirs.cancelled': 'أوقفتَه',
  'file.theirs.stopped': '{name} سحبه',
  'file.theirs.failed': 'لم يُستلم: انقطع الاتصال قبل أن يصل كله. يمكن أن يعرضه {name} مرة أخرى.',

  'file.refused.empty': 'لم يُرسل لأنه فارغ أو مجلد: {file}',
  'file.refused.too_large': 'لم يُرسل لأن حجم الملف لا يجوز أن يزيد على {most}: {file}',
  'file.refused.too_many': 'لم يُرسل لأن الملفات في هذه المكالمة كثيرة: {file}',

  'aside.closed': 'تنتقل الملفات والتفاعلات من متصفح إلى متصفح: حالما يتصل أحد.',
  'aside.asking': 'جارٍ الاتصال من أجل الملفات والتفاعلات. أعد المحاولة بعد لحظة.',
  'aside.absent': 'تطبيق {name} لا يعرف الملفات والتفاعلات. ما زال بإمكانكما التحدث والكتابة.',
  'aside.broken': 'أرسل تطبيق {name} ما لا ينبغي إرساله. لا ملفات ولا تفاعلات بعد الآن في هذه المكالمة؛ ما زال بإمكانكما التحدث والكتابة.',

  'reaction.title': 'التفاعلات',
  'reaction.thumbs': 'إعجاب',
  'reaction.heart': 'قلب',
  'reaction.clap': 'تصفيق',
  'reaction.laugh': 'ضحك',
  'reaction.wow': 'دهشة',
  'reaction.party': 'احتفال',
  'reaction.shown': '{name}: {reaction}',
};
