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
} as const;
