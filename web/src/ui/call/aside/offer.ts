// Files that a person chose, dropped or pasted.
import { MAX_FILE_BYTES } from '../../../rtc/index.ts';
import { bytes } from '../../../state/bytes.ts';
import { ta } from '../../../state/i18n/aside.ts';
import type { CallSession } from '../../../state/session.svelte.ts';

/** Why there are no files and reactions now, or null. */
export function obstacle(session: CallSession): string | null {
  const { state } = session.snapshot.aside;
  return state === 'ready' ? null : ta(`aside.${state}`, { name: session.peerName });
}

/** Offers them to the other one. What is not possible is said. */
export function offerFiles(session: CallSession, files: Iterable<File>, say: (notice: string) => void): void {
  const none = obstacle(session);
  if (none) return say(none);
  for (const file of files) {
    const refusal = session.call.aside.send(file);
    if (refusal === 'unavailable') say(ta('aside.closed'));
    else if (refusal) say(ta(`file.refused.${refusal}`, { file: file.name, most: bytes(MAX_FILE_BYTES) }));
  }
}
