// What the service worker says. Apart from the rest, which it does not have to carry.
export const enWorker = {
  'worker.incoming.audio': 'Incoming call',
  'worker.incoming.video': 'Incoming video call',
  'worker.answer': 'Answer',
  'worker.decline': 'Decline',
  'worker.missed': 'Missed call from {name}',
  'worker.answered': 'Answered on another device',
  'worker.declined': 'Declined on another device',
  'worker.from': 'Call from {name}',
  'worker.unknown.title': 'Dialtone',
  'worker.unknown.text': 'Open Dialtone to see your calls.',
} as const;
