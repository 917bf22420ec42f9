// English: what one does in a call beside talking.
export const incall = {
  'share.start': 'Share screen',
  'share.stop': 'Stop sharing',
  'share.mine': 'You are sharing your screen',
  'share.theirs': '{name} is sharing a screen',
  'share.over': 'The screen is no longer shared.',
  'share.picture': 'Screen of {name}',
  'share.failed': 'The screen could not be shared. Close other programs that share it, and try again.',
  'share.failed.system': 'The system does not let this browser record the screen. Allow it in the privacy settings of your computer, and try again.',

  'hint.muted': 'You are muted: nobody hears you.',
  'hint.muted.keys': 'You are muted: nobody hears you. Hold the space bar to talk, or press M.',
  'hint.silent': 'No sound comes from your microphone.',
  'hint.silent.choose': 'Choose another',
  'shortcuts.talk': 'Hold to talk while muted',
  'key.space': 'Space',
  'device.replaced.audio': 'The microphone was unplugged or has stopped. Now in use: {name}',
  'device.replaced.video': 'The camera was unplugged or has stopped. Now in use: {name}',
  'device.replaced.speaker': 'The speaker was unplugged. Now in use: {name}',
  'device.other': 'what the system has chosen',

  'settings.echo': 'Remove the echo of your speaker',
  'settings.noise': 'Suppress noise around you',
  'settings.level': 'Even out how loud you are',
} as const;
