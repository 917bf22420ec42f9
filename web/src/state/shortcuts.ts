// Which key does what in a call.

export type Action = 'microphone' | 'camera' | 'close' | 'help';

interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  repeat: boolean;
}

/** Whether a press asks to be heard for as long as it is held. On a control the space bar presses that. */
export function isTalkKey(press: KeyPress, onControl: boolean, enabled: boolean): boolean {
  return press.key === ' ' && enabled && !onControl && !(press.ctrlKey || press.metaKey || press.altKey);
}

/**
 * What a key press asks for. Letters are left alone while somebody types, and when shortcuts are
 * switched off (speech input presses letters too); Escape always closes.
 */
export function actionOf(press: KeyPress, typing: boolean, enabled: boolean): Action | null {
  if (press.ctrlKey || press.metaKey || press.altKey || press.repeat) return null;
  if (press.key === 'Escape') return 'close';
  if (typing || !enabled) return null;
  const letters: Record<string, Action> = { m: 'microphone', v: 'camera', '?': 'help' };
  return letters[press.key.toLowerCase()] ?? null;
}
